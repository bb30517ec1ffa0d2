import { localDay, practiceDays, summarise } from '../contract/practice-days.ts'
import { base64Parts, fromDataUrl, toDataUrl } from './base64.ts'
import { systemClock, type Clock } from './clock.ts'
import { toEntry, toListedSession, toSession, type LocalEntry } from './local-entry.ts'
import { findEntry, readHistory, writeHistory } from './local-history.ts'
import { createLocalRecordings, type LocalRecordings } from './local-recordings.ts'
import { newestFirst } from './session-order.ts'
import {
  StorageError,
  type IStorageService,
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
 * nothing. Needs no network and ignores abort signals.
 */
export class LocalStorageService implements IStorageService {
  readonly #storage: Storage
  readonly #recordings: LocalRecordings
  readonly #clock: Clock
  readonly #timeZone: string

  constructor({
    storage = localStorage,
    indexedDB = globalThis.indexedDB,
    clock = systemClock,
    timeZone = browserTimeZone() ?? 'UTC'
  }: LocalStorageOptions = {}) {
    this.#storage = storage
    this.#recordings = createLocalRecordings(indexedDB)
    this.#clock = clock
    this.#timeZone = timeZone
  }

  async getSessions(): Promise<SessionData[]> {
    const sessions = distinct(readHistory(this.#storage)).map(async (entry) => ({
      ...toListedSession(entry),
      ...(await this.#fromIndexedDb(entry))
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
    const stored = await this.getSessionById(session.id)
    // Null when another tab has deleted it since.
    if (!stored) return this.saveSession(session)
    if ((await fingerprint(stored)) !== (await fingerprint(session))) {
      throw new StorageError(409, 'id_reused', 'Another session has this id. Choose a new id.')
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
        const moved = await this.#moveRecording([added, ...history.toReversed()])
        if (moved['id'] === id) added = moved
      } catch (cause) {
        if (added !== entry) await this.#recordings.delete(id)
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
    const sessions = distinct(history)
      .map(toListedSession)
      .filter(({ date }) => Date.parse(date))
      .map((session) => ({ ...session, date: new Date(session.date) }))
    return summarise(practiceDays(sessions, this.#timeZone, now), localDay(now, this.#timeZone))
  }
}

// Entries with the same id are one session: a double click on "save" in the existing app wrote two.
function distinct(history: LocalEntry[]): LocalEntry[] {
  return [...new Map(history.toReversed().map((entry) => [toListedSession(entry).id, entry])).values()]
}

function storageFull(cause?: unknown): StorageError {
  return new StorageError(
    507,
    'storage_full',
    'This browser has no space left. Delete some sessions and save again.',
    { cause }
  )
}

/** Equal for two saves of the same content. */
async function fingerprint(session: SessionData): Promise<string> {
  return JSON.stringify([toEntry(session), session.audio ? await base64Parts(session.audio) : []])
}
