import { dailyPractice, faultOfRange } from '../contract/daily-practice.ts'
import { localDay } from '../contract/local-day.ts'
import { practiceDays, summarise } from '../contract/practice-days.ts'
import { fromDataUrl, toDataUrl } from './base64.ts'
import { storageFull } from './browser-errors.ts'
import { systemClock, type Clock } from './clock.ts'
import {
  changeEntry,
  checksumOf,
  toEntry,
  toListedSession,
  toSession,
  type LocalEntry
} from './local-entry.ts'
import { browserStorage, findEntry, readHistory, writeHistory } from './local-history.ts'
import { createLocalRecordings, type LocalRecordings } from './local-recordings.ts'
import { isSameBlob } from './same-blob.ts'
import { newestFirst } from './session-order.ts'
import {
  StorageError,
  type DailyPractice,
  type DayRange,
  type PracticeStorage,
  type SessionChanges,
  type SessionData,
  type UserStatsData
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
 * new one, then older ones. When IndexedDB is full as well, a save rejects with `storage_full` and changes
 * nothing. When the browser refuses its storage, calls reject with `storage_blocked`. Needs no network
 * and ignores abort signals.
 */
export class LocalStorageService implements PracticeStorage {
  readonly #givenStorage: Storage | undefined
  readonly #recordings: LocalRecordings
  readonly #clock: Clock
  readonly #timeZone: string

  constructor({
    storage,
    indexedDB,
    clock = systemClock,
    timeZone = browserTimeZone() ?? 'UTC'
  }: LocalStorageOptions = {}) {
    this.#givenStorage = storage
    this.#recordings = createLocalRecordings(indexedDB)
    this.#clock = clock
    this.#timeZone = timeZone
  }

  // Looked up at each use: a page may be rendered where there is none, or the browser may refuse it.
  get #storage(): Storage {
    return this.#givenStorage ?? browserStorage()
  }

  async getSessions(): Promise<SessionData[]> {
    const sessions = distinct(readHistory(this.#storage)).map(async (entry) => ({
      ...toListedSession(entry),
      // One recording that cannot be read must not hide the history.
      ...(await this.#fromIndexedDb(entry).catch(() => ({})))
    }))
    return newestFirst(await Promise.all(sessions))
  }

  async getSessionById(id: string): Promise<SessionData | null> {
    const entry = findEntry(readHistory(this.#storage), id)
    return entry ? this.#toSession(entry) : null
  }

  async saveSession(session: SessionData): Promise<void> {
    const audioBase64 = session.audio?.size ? await toDataUrl(session.audio) : ''
    if (await this.#add({ ...toEntry(session), audioBase64 })) return
    const entry = findEntry(readHistory(this.#storage), session.id)
    // Another tab has deleted it since.
    if (!entry) return this.saveSession(session)
    const stored = await this.#toSession(entry)
    const checksum = checksumOf(session)
    const isSame = checksum === checksumOf(stored) || checksum === entry['savedAs']
    const none = new Blob()
    if (!isSame || !(await isSameBlob(stored.audio ?? none, session.audio ?? none))) {
      throw new StorageError(409, 'id_reused', 'Another session has this id. Choose a new id.')
    }
  }

  async updateSession(id: string, changes: SessionChanges): Promise<void> {
    for (;;) {
      const history = readHistory(this.#storage)
      const entry = findEntry(history, id)
      if (!entry) throw new StorageError(404, 'session_not_found', 'The session does not exist.')
      const changed = changeEntry(entry, changes)
      if (this.#write(history.map((other) => (toListedSession(other).id === id ? changed : other)))) return
      await this.#moveRecording(reversed(history)).catch((cause) => {
        throw storageFull(cause)
      })
    }
  }

  async deleteSession(id: string): Promise<void> {
    const entry = findEntry(readHistory(this.#storage), id)
    if (!entry) return
    // The recording first: if that fails, the entry still points to it.
    if (entry['recordingInIndexedDb']) await this.#recordings.delete(id)
    if (!this.#write(readHistory(this.#storage).filter((other) => toListedSession(other).id !== id))) {
      throw storageFull()
    }
  }

  async getUserStats(): Promise<UserStatsData> {
    return this.#stats(readHistory(this.#storage))
  }

  async getPracticeDays(range: DayRange): Promise<DailyPractice[]> {
    const fault = faultOfRange(range)
    if (fault) throw new StorageError(400, 'invalid_input', `\`${fault.path}\` ${fault.message}.`)
    return dailyPractice(datedSessions(readHistory(this.#storage)), this.#timeZone, range)
  }

  /**
   * Adds the entry, and moves recordings to IndexedDB until it fits. Returns false when its id is already
   * used.
   */
  async #add(entry: LocalEntry): Promise<boolean> {
    const id = String(entry['id'])
    for (let added = entry; ;) {
      const history = readHistory(this.#storage)
      if (findEntry(history, id)) return false
      if (this.#write([added, ...history])) return true
      try {
        const moved = await this.#moveRecording([added, ...reversed(history)])
        if (moved['id'] === id) added = moved
      } catch (cause) {
        if (added !== entry) await this.#recordings.delete(id).catch(() => {})
        throw storageFull(cause)
      }
    }
  }

  /** Moves the first recording in `entries` to IndexedDB. Returns the changed entry. */
  async #moveRecording(entries: LocalEntry[]): Promise<LocalEntry> {
    for (const entry of entries) {
      const { id, audioUrl } = toListedSession(entry)
      const recording = entry['audioBase64'] ? fromDataUrl(audioUrl ?? '') : undefined
      if (!recording) continue
      await this.#recordings.put(id, recording)
      const moved = { ...entry, audioBase64: '', recordingInIndexedDb: true }
      const history = readHistory(this.#storage)
      if (findEntry(history, id)) {
        this.#write(history.map((other) => (toListedSession(other).id === id ? moved : other)))
      }
      return moved
    }
    throw new Error('No recording to move')
  }

  async #toSession(entry: LocalEntry): Promise<SessionData> {
    const session = toSession(entry)
    const audio = fromDataUrl(session.audioUrl ?? '')
    return { ...session, ...(audio ? { audio } : await this.#fromIndexedDb(entry)) }
  }

  async #fromIndexedDb(entry: LocalEntry): Promise<{ audio?: Blob }> {
    const audio = entry['recordingInIndexedDb']
      ? await this.#recordings.get(toListedSession(entry).id)
      : undefined
    return audio ? { audio } : {}
  }

  #write(history: LocalEntry[]): boolean {
    return writeHistory(this.#storage, history, this.#stats(history).streak)
  }

  #stats(history: LocalEntry[]): UserStatsData {
    const now = this.#clock.now()
    const days = practiceDays(datedSessions(history), this.#timeZone, now)
    return summarise(days, localDay(now, this.#timeZone))
  }
}

function datedSessions(history: LocalEntry[]): { date: Date; durationSeconds: number }[] {
  return distinct(history)
    .map(toListedSession)
    .map(({ date, durationSeconds }) => ({ date: new Date(date), durationSeconds }))
    .filter(({ date }) => !Number.isNaN(date.getTime()))
}

// Entries with the same id are one session: a double click on "save" in the existing app wrote two.
function distinct(history: LocalEntry[]): LocalEntry[] {
  return [...new Map(reversed(history).map((entry) => [toListedSession(entry).id, entry])).values()]
}

// `toReversed` is missing before Chrome 110 and Safari 16.
function reversed<T>(values: T[]): T[] {
  return [...values].reverse()
}
