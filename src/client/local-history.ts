import { readListed, type Entry } from './local-entry.ts'
import { StorageError } from './storage-service.ts'

/**
 * The document that the existing app (Zustand's `persist`) keeps in localStorage:
 * `{ "state": { "history": [newest, …], "streak": 3 }, "version": 0 }`.
 * Whatever else is in it is kept as it is.
 */
type Document = { state?: { history?: Entry[]; streak?: number }; version?: number }

const KEY = 'harmony-helper-storage'

/** The history's entries, newest first as they were added. */
export function readHistory(storage: Storage): Entry[] {
  const { history } = readDocument(storage).state ?? {}
  return Array.isArray(history) ? history.filter((entry) => typeof entry === 'object' && entry !== null) : []
}

/** Whether the history could be written; false when the disk is full, and then all is as it was. */
export function writeHistory(storage: Storage, history: Entry[], streak: number): boolean {
  const document = readDocument(storage)
  const changed: Document = { version: 0, ...document, state: { ...document.state, history, streak } }
  try {
    storage.setItem(KEY, JSON.stringify(changed))
    return true
  } catch {
    return false
  }
}

export function findEntry(history: Entry[], id: string): Entry | undefined {
  return history.find((entry) => readListed(entry).id === id)
}

function readDocument(storage: Storage): Document {
  try {
    return JSON.parse(storage.getItem(KEY) ?? '{}') ?? {}
  } catch (cause) {
    throw new StorageError(
      500,
      'storage_unreadable',
      'The history in this browser cannot be read; it was left as it is.',
      { cause }
    )
  }
}
