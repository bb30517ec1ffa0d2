import { networkError } from '../api-http.ts'
import { storageBlocked } from '../browser-errors.ts'
import type { Clock } from '../clock.ts'
import { promised, type Transact } from '../indexed-db.ts'
import { StorageError, type CallOptions } from '../storage-service.ts'
import { within } from '../time-limit.ts'

/** What is known of a kept answer. Times are in milliseconds since 1970. */
type Entry = { etag?: string | undefined; loadedAt: number; usedAt: number; characters: number }
type Index = Record<string, Entry>
type Kept<T> = Entry & { value: T }

type Load<T> = (options: CallOptions) => Promise<T>

type KeptReadsOptions = { transact: Transact; clock: Clock; isOnline: () => boolean }

/** The most that is kept of one account, in answers and in characters of JSON. */
export const MAX_ENTRIES = 500
export const MAX_CHARACTERS = 50_000_000

/**
 * Longest wait for an answer: while the browser reports no network, and otherwise. The latter applies only if a
 * kept answer can be shown instead.
 */
const OFFLINE_LIMIT_MS = 2_000
const SLOW_LIMIT_MS = 10_000
/** Wait for the browser's storage before the account is asked without an ETag. */
const STORAGE_LIMIT_MS = 3_000

const STORE = 'heard'
const INDEX = 'index'

/**
 * Caches the account's answers in IndexedDB, and returns them while the account cannot be reached. It evicts what was
 * used least recently. A failure of the storage never fails a read.
 */
export function createKeptReads({ transact, clock, isOnline }: KeptReadsOptions) {
  let isForgotten = false
  const now = () => clock.now().getTime()

  async function find<T>(key: string): Promise<Kept<T> | undefined> {
    const finding = transact('readonly', async (store) => {
      const [index, value] = await Promise.all([
        promised<Index | undefined>(store(STORE).get(INDEX)),
        promised<T | undefined>(store(STORE).get(key))
      ])
      const entry = index?.[key]
      return entry && value !== undefined ? { ...entry, value } : undefined
    })
    return within(STORAGE_LIMIT_MS, finding, storageBlocked).catch(() => undefined)
  }

  /** Changes the index and what it lists in one transaction. Does nothing when the storage fails. */
  const change = (work: (index: Index, store: IDBObjectStore) => void | Promise<void>) =>
    transact('readwrite', async (store) => {
      if (isForgotten) return
      const index = (await promised<Index | undefined>(store(STORE).get(INDEX))) ?? {}
      await work(index, store(STORE))
      await promised(store(STORE).put(index, INDEX))
    }).catch(() => {})

  const keep = (key: string, value: unknown, etag: string | undefined) =>
    change((index, store) => {
      const characters = JSON.stringify(value).length
      delete index[key]
      store.delete(key)
      if (value === null || characters > MAX_CHARACTERS) return
      index[key] = { etag, characters, loadedAt: now(), usedAt: now() }
      store.put(value, key)
      for (const old of leastUsed(index)) {
        delete index[old]
        store.delete(old)
      }
    })

  const touch = (key: string, times: Partial<Entry>) =>
    change((index) => {
      const entry = index[key]
      if (entry) index[key] = { ...entry, usedAt: now(), ...times }
    })

  /** Loads an answer, or takes the kept one when the server knows that it is unchanged. */
  async function load<T>(key: string, ask: Load<T>, signal: AbortSignal | undefined, kept?: Kept<T>) {
    let etag: string | undefined
    const onEtag = (given: string | undefined) => {
      etag = given
    }
    try {
      const value = await ask({ signal, etag: kept?.etag, onEtag })
      keep(key, value, etag)
      return value
    } catch (error) {
      if (!kept || (error as StorageError).status !== 304) throw error
      touch(key, { loadedAt: now() })
      return kept.value
    }
  }

  /** Rejects with `network_error` when an answer takes too long. It is still kept when it arrives. */
  async function inTime<T>(answer: Promise<T>, hasOther: boolean): Promise<T> {
    if (isOnline() && !hasOther) return answer
    const end = new AbortController()
    const limit = clock.sleep(isOnline() ? SLOW_LIMIT_MS : OFFLINE_LIMIT_MS, end.signal)
    const tooLate = limit.then(() => Promise.reject(networkError('No answer in time')))
    return Promise.race([answer, tooLate]).finally(() => end.abort())
  }

  return {
    find,
    inTime,
    change,

    /**
     * The account's answer or, if the account cannot be reached, the kept one: then `onStale` is called.
     * Asks with the kept ETag.
     */
    async read<T>(key: string, ask: Load<T>, { signal, onStale }: CallOptions): Promise<T> {
      const kept = await find<T>(key)
      try {
        return await inTime(load(key, ask, signal, kept), Boolean(kept))
      } catch (error) {
        signal?.throwIfAborted()
        if (!kept || !isUnreachable(error)) throw error
        touch(key, {})
        onStale?.({ loadedAt: new Date(kept.loadedAt), reason: error })
        return kept.value
      }
    },

    /** Removes all that is kept, and keeps nothing from now on. */
    async forget(): Promise<void> {
      isForgotten = true
      await transact('readwrite', (store) => promised(store(STORE).clear()))
    }
  }
}

/**
 * Whether the server gave no answer of its own. Without a network, Auth0 often returns no token; a network that
 * asks for a login answers with its own page.
 */
export function isUnreachable(error: unknown): error is StorageError {
  if (!(error instanceof StorageError)) return false
  return ['no_token', 'unexpected_answer'].includes(error.code) || [0, 502, 503, 504].includes(error.status)
}

/** The keys to remove, so that the rest is within the limits. */
function leastUsed(index: Index): string[] {
  const newestFirst = Object.entries(index).sort(([, a], [, b]) => b.usedAt - a.usedAt)
  let characters = 0
  return newestFirst
    .filter(([, entry], place) => (characters += entry.characters) > MAX_CHARACTERS || place >= MAX_ENTRIES)
    .map(([key]) => key)
}
