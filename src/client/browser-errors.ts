import { StorageError } from './storage-service.ts'

/** localStorage or IndexedDB has no space left. */
export function storageFull(cause?: unknown): StorageError {
  return new StorageError(
    507,
    'storage_full',
    'This browser has no space left. Delete some sessions and save again.',
    { cause }
  )
}

/** localStorage or IndexedDB is refused, does not open, or fails. */
export function storageBlocked(cause?: unknown): StorageError {
  return new StorageError(
    500,
    'storage_blocked',
    "This browser's storage cannot be used. Allow cookies and site data for this page, then reload it.",
    { cause }
  )
}

/** The error of a failed operation on IndexedDB. */
export function toStorageError(cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause
  return (cause as Error | null)?.name === 'QuotaExceededError' ? storageFull(cause) : storageBlocked(cause)
}

/** The browser has lost the bytes of a recording. */
export function recordingUnreadable(cause?: unknown): StorageError {
  return new StorageError(
    422,
    'recording_unreadable',
    'The recording cannot be read any more. Save the session without it, or record again.',
    { cause }
  )
}

/** The browser lacks a function, or one of its functions failed. */
export function browserFault(cause: unknown): StorageError {
  return new StorageError(
    500,
    'browser_fault',
    `This browser failed (${(cause as Error | undefined)?.message ?? cause}). Update it, or use another one.`,
    { cause }
  )
}
