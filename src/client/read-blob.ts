import { recordingUnreadable } from './browser-errors.ts'
import { within } from './time-limit.ts'

const LIMIT_MS = 10_000

/**
 * The bytes of a blob. When the browser has lost the file of a blob from IndexedDB, the first read rejects
 * and a second one never settles.
 *
 * @throws StorageError `recording_unreadable`
 */
export function readBlob(blob: Blob): Promise<ArrayBuffer> {
  return within(LIMIT_MS, blob.arrayBuffer(), recordingUnreadable).catch((cause) => {
    throw recordingUnreadable(cause)
  })
}
