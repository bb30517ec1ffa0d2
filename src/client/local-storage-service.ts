import { fromDataUrl, toDataUrl } from './base64.ts'
import { systemClock, type Clock } from './clock.ts'
import { storageFull } from './browser-errors.ts'
import {
  changeEntry,
  checksumOf,
  toEntry,
  toListedSession,
  toSession,
  type LocalEntry
} from './local-entry.ts'
import { localDays, localStats } from './local-figures.ts'
import { distinct, findEntry, readHistory, replaceEntry, reversed, writeHistory } from './local-history.ts'
import { createLocalRecordings, type LocalRecordings } from './local-recordings.ts'
import { isSameBlob } from './same-blob.ts'
import { idReused, sessionNotFound } from './session-errors.ts'
import { newestFirst } from './session-order.ts'
import type {
  DailyPractice,
  DayRange,
  PracticeStorage,
  SessionChanges,
  SessionData,
  UserStatsData
} from './storage-service.ts'
import { browserTimeZone } from './time-zone.ts'

export type LocalStorageOptions = {
  storage?: Storage
  indexedDB?: IDBFactory
  clock?: Clock
  timeZone?: string
}

/**
 * Stores sessions in this browser, in the existing app's format. That app can still read and write them.
 *
 * Recordings are `data:` URLs in localStorage. When localStorage is full, they move to IndexedDB: first the
 * new one, then older ones. When IndexedDB is full or unusable as well, a save rejects with `storage_full`
 * (deleting sessions helps) and stores nothing; older recordings that were moved for it stay where they are.
 * When the browser refuses localStorage, or IndexedDB for a recording that is there, calls reject with
 * `storage_blocked`. Needs no network and ignores abort signals.
 */
export class LocalStorageService implements PracticeStorage {
  readonly #getStorage: () => Storage
  readonly #recordings: LocalRecordings
  readonly #clock: Clock
  readonly #timeZone: string

  constructor({
    storage,
    indexedDB,
    clock = systemClock,
    timeZone = browserTimeZone() ?? 'UTC'
  }: LocalStorageOptions = {}) {
    // Read at each use: server rendering has no localStorage, and a browser may refuse it.
    this.#getStorage = () => storage ?? localStorage
    this.#recordings = createLocalRecordings(indexedDB)
    this.#clock = clock
    this.#timeZone = timeZone
  }

  async getSessions(): Promise<SessionData[]> {
    const sessions = distinct(this.#read()).map(async (entry) => ({
      ...toListedSession(entry),
      // One recording that cannot be read must not hide the history.
      ...(await this.#readMovedRecording(entry).catch(() => ({})))
    }))
    return newestFirst(await Promise.all(sessions))
  }

  async getSessionById(id: string): Promise<SessionData | null> {
    const entry = findEntry(this.#read(), id)
    return entry ? this.#toSession(entry) : null
  }

  async saveSession(session: SessionData): Promise<void> {
    const audioBase64 = session.audio?.size ? await toDataUrl(session.audio) : ''
    if (await this.#add({ ...toEntry(session, this.#clock.now()), audioBase64 })) return
    const entry = findEntry(this.#read(), session.id)
    // Another tab has deleted it since.
    if (!entry) return this.saveSession(session)
    const stored = await this.#toSession(entry)
    const checksum = checksumOf(session)
    const isSame = checksum === checksumOf(stored) || checksum === entry['savedAs']
    const none = new Blob()
    if (!isSame || !(await isSameBlob(stored.audio ?? none, session.audio ?? none))) throw idReused()
  }

  async updateSession(id: string, changes: SessionChanges): Promise<void> {
    for (;;) {
      const history = this.#read()
      const entry = findEntry(history, id)
      if (!entry) throw sessionNotFound()
      if (this.#write(replaceEntry(history, changeEntry(entry, changes, this.#clock.now())))) return
      await this.#moveRecording(reversed(history))
    }
  }

  async deleteSession(id: string): Promise<void> {
    const entry = findEntry(this.#read(), id)
    if (!entry) return
    // The recording first: if that fails, the entry still points to it.
    if (entry['recordingInIndexedDb']) await this.#recordings.delete(id)
    if (!this.#write(this.#read().filter((other) => toListedSession(other).id !== id))) {
      throw storageFull()
    }
  }

  async getUserStats(): Promise<UserStatsData> {
    return this.#stats(this.#read())
  }

  async getPracticeDays(range: DayRange): Promise<DailyPractice[]> {
    return localDays(this.#read(), this.#timeZone, range)
  }

  /** Adds the entry. Moves recordings until it fits, its own first. Returns false when its id is already used. */
  async #add(entry: LocalEntry): Promise<boolean> {
    const id = String(entry['id'])
    let added = entry
    try {
      for (;;) {
        const history = this.#read()
        if (findEntry(history, id)) return false
        if (this.#write([added, ...history])) return true
        const moved = await this.#moveRecording([added, ...reversed(history)])
        if (moved['id'] === id) added = moved
      }
    } catch (error) {
      if (added !== entry) await this.#recordings.delete(id).catch(() => {})
      throw error
    }
  }

  /**
   * Moves the first recording of `entries` to IndexedDB. Returns the changed entry.
   *
   * @throws StorageError `storage_full` when there is none to move, or IndexedDB cannot take it
   */
  async #moveRecording(entries: LocalEntry[]): Promise<LocalEntry> {
    for (const entry of entries) {
      const { id, audioUrl } = toListedSession(entry)
      const recording = entry['audioBase64'] ? fromDataUrl(audioUrl ?? '') : undefined
      if (!recording) continue
      await this.#recordings.put(id, recording).catch((cause) => {
        throw storageFull(cause)
      })
      const moved = { ...entry, audioBase64: '', recordingInIndexedDb: true }
      const history = this.#read()
      // A tiny recording takes less space than the note that it was moved.
      if (!findEntry(history, id) || this.#write(replaceEntry(history, moved))) return moved
    }
    throw storageFull()
  }

  async #toSession(entry: LocalEntry): Promise<SessionData> {
    const session = toSession(entry)
    const audio = fromDataUrl(session.audioUrl ?? '')
    return { ...session, ...(audio ? { audio } : await this.#readMovedRecording(entry)) }
  }

  async #readMovedRecording(entry: LocalEntry): Promise<{ audio?: Blob }> {
    const audio = entry['recordingInIndexedDb']
      ? await this.#recordings.get(toListedSession(entry).id)
      : undefined
    return audio ? { audio } : {}
  }

  #read(): LocalEntry[] {
    return readHistory(this.#getStorage)
  }

  #write(history: LocalEntry[]): boolean {
    return writeHistory(this.#getStorage, history, this.#stats(history).streak)
  }

  #stats(history: LocalEntry[]): UserStatsData {
    return localStats(history, this.#timeZone, this.#clock.now())
  }
}
