import type { Readable } from 'node:stream'
import { storedRecordings, type StoredRecording } from '../diagnostics.ts'
import { ApiError } from '../errors.ts'
import { CACHE_SECONDS } from './cache-control.ts'
import type { StorageConnection } from './client.ts'
import { codeOf, toStorageError } from './errors.ts'

/** An object to store. Each call of `stream` starts a new stream of exactly `bytes` bytes. */
export type ObjectUpload = {
  key: string
  bytes: number
  stream: () => Readable
  contentType: string
  signal: AbortSignal
}

type Target = { connection: StorageConnection; bucket: string; ensureBucket: () => Promise<unknown> }

/**
 * Stores an object and replaces an earlier one. Creates the bucket when it is missing.
 * @throws {ApiError} recording_too_large or unsupported_recording when the bucket's own limits refuse the
 * object; storage_unavailable
 */
export async function uploadObject(upload: ObjectUpload, target: Target): Promise<void> {
  let { data, error } = await tryUpload(upload, target)
  if (error && codeOf(error) === '404') {
    await target.ensureBucket()
    ;({ data, error } = await tryUpload(upload, target))
  }
  // storage-js derives `path` from the request; only `id` comes from the storage.
  if (error || !data?.id) throw convertUploadError(error)
  storedRecordings.publish({ bytes: upload.bytes } satisfies StoredRecording)
}

async function tryUpload(
  { key, bytes, stream, contentType, signal }: ObjectUpload,
  { connection, bucket }: Target
) {
  const body = stream()
  return connection
    .clientWithSignal(signal)
    .from(bucket)
    .upload(key, body, {
      contentType,
      upsert: true,
      cacheControl: String(CACHE_SECONDS),
      headers: { 'content-length': String(bytes) } // without it the bucket's size limit does not apply
    })
    .finally(() => body.destroy())
}

function convertUploadError(cause: Parameters<typeof codeOf>[0]): ApiError {
  switch (codeOf(cause)) {
    case '413':
      return new ApiError(
        'recording_too_large',
        'The recording is larger than the storage accepts. Record a shorter one.',
        { cause }
      )
    case '415':
      return new ApiError(
        'unsupported_recording',
        'The storage does not accept this audio format. Record in another one.',
        {
          cause
        }
      )
    default:
      return toStorageError(cause)
  }
}
