import { localDay, practiceDays, summarise } from '../contract/practice-days.ts'
import { base64Parts, fromDataUrl, toDataUrl } from './base64.ts'
import { systemClock, type Clock } from './clock.ts'
import { readListed, readWhole, writeEntry, type Entry } from './local-entry.ts'
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
 * Keeps sessions in this browser, in the format of the existing app, which can go on reading and writing it.
 *
 * Recordings are `data:` URLs in localStorage while they fit; then they move to IndexedDB, the new one first and older
 * ones as room is needed. When both are full, a save rejects with `storage_full` and everything else is still there.
 * Needs no network, and never waits for one, so it does not look at abort signals.
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
      ...readListed(entry),
      ...(await this.#overflow(entry))
    }))
    return newestFirst(await Promise.all(sessions))
  }

  async getSessionById(id: string): Promise<SessionData | null> {
    const entry = findEntry(readHistory(this.#storage), id)
    return entry ? this.#whole(entry) : null
  }

  async saveSession(session: SessionData): Promise<void> {
    const audioBase64 = session.audio?.size ? await toDataUrl(session.audio) : ''
    if (await this.#add({ ...writeEntry(session), audioBase64 })) return
    const stored = await this.getSessionById(session.id)
    // Null when it was deleted in this very moment.
    if (!stored) return this.saveSession(session)
    if ((await fingerprint(stored)) !== (await fingerprint(session))) {
      throw new StorageError(409, 'id_reused', 'Another session has this id; choose a new one.')
    }
  }

  async deleteSession(id: string): Promise<void> {
    const entry = findEntry(readHistory(this.#storage), id)
    if (!entry) return
    // The recording first: were it last and failed, nobody would know of it any more.
    if (entry['recordingInIndexedDb']) await this.#recordings.delete(id)
    if (!this.#write(readHistory(this.#storage).filter((other) => readListed(other).id !== id))) throw full()
  }

  async getUserStats(): Promise<UserStatsData> {
    return this.#stats(readHistory(this.#storage))
  }

  /** Puts the entry first, moving recordings out until it fits. False when its id is taken. */
  async #add(entry: Entry): Promise<boolean> {
    const id = String(entry['id'])
    for (let added = entry; ;) {
      const history = readHistory(this.#storage)
      if (findEntry(history, id)) return false
      if (this.#write([added, ...history])) return true
      try {
        const moved = await this.#moveOut([added, ...history.toReversed()])
        if (moved['id'] === id) added = moved
      } catch (cause) {
        if (added !== entry) await this.#recordings.delete(id)
        throw full(cause)
      }
    }
  }

  /** Moves the first recording that there is to IndexedDB, and answers its entry as it is from now on. */
  async #moveOut(entries: Entry[]): Promise<Entry> {
    for (const entry of entries) {
      const { id, audioUrl } = readListed(entry)
      const recording = entry['audioBase64'] ? fromDataUrl(audioUrl ?? '') : undefined
      if (!recording) continue
      await this.#recordings.put(id, recording)
      const moved = { ...entry, audioBase64: '', recordingInIndexedDb: true }
      const history = readHistory(this.#storage)
      if (findEntry(history, id)) {
        this.#write(history.map((other) => (readListed(other).id === id ? moved : other)))
      }
      return moved
    }
    throw new Error('Nothing is left to move')
  }

  async #whole(entry: Entry): Promise<SessionData> {
    const session = readWhole(entry)
    const audio = fromDataUrl(session.audioUrl ?? '')
    return { ...session, ...(audio ? { audio } : await this.#overflow(entry)) }
  }

  async #overflow(entry: Entry): Promise<{ audio?: Blob }> {
    const audio = entry['recordingInIndexedDb'] ? await this.#recordings.get(readListed(entry).id) : undefined
    return audio ? { audio } : {}
  }

  #write(history: Entry[]): boolean {
    return writeHistory(this.#storage, history, this.#stats(history).streak)
  }

  #stats(history: Entry[]): UserStatsData {
    const now = this.#clock.now()
    const sessions = distinct(history)
      .map(readListed)
      .filter(({ date }) => Date.parse(date))
      .map((session) => ({ ...session, date: new Date(session.date) }))
    return summarise(practiceDays(sessions, this.#timeZone, now), localDay(now, this.#timeZone))
  }
}

// Entries with one id are one session: a double click on the existing app's "save" made two.
function distinct(history: Entry[]): Entry[] {
  return [...new Map(history.toReversed().map((entry) => [readListed(entry).id, entry])).values()]
}

function full(cause?: unknown): StorageError {
  return new StorageError(
    507,
    'storage_full',
    'This browser has no room left. Delete some sessions, and save again.',
    { cause }
  )
}

/** What makes two saves the same: everything that is kept. */
async function fingerprint(session: SessionData): Promise<string> {
  return JSON.stringify([writeEntry(session), session.audio ? await base64Parts(session.audio) : []])
}
