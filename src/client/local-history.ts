import { storageBlocked } from './browser-errors.ts'
import { toListedSession, type LocalEntry } from './local-entry.ts'
import { StorageError } from './storage-service.ts'

/**
 * The document that the existing app (Zustand's `persist`) writes to localStorage:
 * `{ "state": { "history": [newest, …], "streak": 3 }, "version": 0 }`. Unknown members are preserved.
 */
type Document = { state?: { history?: LocalEntry[]; streak?: number }; version?: number }

const KEY = 'harmony-helper-storage'

/** The entries of the history, most recently added first. */
export function readHistory(getStorage: () => Storage): LocalEntry[] {
  const { history } = readDocument(getStorage).state ?? {}
  return Array.isArray(history) ? history.filter((entry) => entry && typeof entry === 'object') : []
}

/**
 * Writes the history. Returns false, and changes nothing, when localStorage is full.
 *
 * @throws StorageError `storage_blocked` when localStorage fails in any other way
 */
export function writeHistory(getStorage: () => Storage, history: LocalEntry[], streak: number): boolean {
  const document = readDocument(getStorage)
  const changed: Document = { version: 0, ...document, state: { ...document.state, history, streak } }
  try {
    getStorage().setItem(KEY, JSON.stringify(changed))
    return true
  } catch (cause) {
    // Firefox has a name of its own.
    if (/quota/i.test((cause as Error).name)) return false
    throw storageBlocked(cause)
  }
}

export function findEntry(history: LocalEntry[], id: string): LocalEntry | undefined {
  return history.find((entry) => toListedSession(entry).id === id)
}

/** The history with the entry in the place of the one that has its id. */
export function replaceEntry(history: LocalEntry[], entry: LocalEntry): LocalEntry[] {
  const { id } = toListedSession(entry)
  return history.map((other) => (toListedSession(other).id === id ? entry : other))
}

/** One entry for each session: a double click on "save" in the existing app wrote two with the same id. */
export function distinct(history: LocalEntry[]): LocalEntry[] {
  return [...new Map(reversed(history).map((entry) => [toListedSession(entry).id, entry])).values()]
}

// `toReversed` is missing before Chrome 110 and Safari 16.
export function reversed<T>(values: T[]): T[] {
  return [...values].reverse()
}

function readDocument(getStorage: () => Storage): Document {
  let text: string | null
  try {
    text = getStorage().getItem(KEY)
  } catch (cause) {
    throw storageBlocked(cause)
  }
  try {
    return JSON.parse(text ?? '{}') ?? {}
  } catch (cause) {
    throw new StorageError(500, 'storage_unreadable', 'The history in this browser cannot be read.', {
      cause
    })
  }
}
