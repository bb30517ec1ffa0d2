import { StorageError } from './storage-service.ts'

/** The object storage did not answer as it should, or refused a request. */
export function recordingUnreachable(status: number): StorageError {
  return new StorageError(
    status,
    'recording_unreachable',
    'The recording storage is not available. Try again later.'
  )
}
