import type { Upload } from '../contract/recordings.ts'
import type { Http } from './api-http.ts'
import type { Clock } from './clock.ts'
import { isTransient } from './request-retry.ts'
import { StorageError, type Progress, type SaveOptions } from './storage-service.ts'
import { createTus, ENDED, type UploadToken } from './tus.ts'

/** Size of a chunk in bytes. Hosted Supabase takes no other size, except for the last chunk. */
export const CHUNK_BYTES = 6 * 1024 * 1024

// A token is checked when a request arrives. It must last until then.
const RENEW_BEFORE_MS = 10_000

export type ResumableUpload = {
  http: Http
  clock: Clock
  audio: Blob
  /** The answer that began the upload, or renewed its token. */
  upload: Upload
  /** Renews the token. */
  renew: () => Promise<Upload>
}

/**
 * Sends a recording in chunks. After a failure it asks how many bytes have arrived, and goes on from there.
 *
 * @returns true when nothing is left to send, or the upload no longer exists; `complete` tells which. False
 *   when the storage took nothing, so that a PUT may still work.
 * @throws {StorageError} when the connection was lost after some bytes have arrived, or before the storage
 *   could tell how many have. `startedUpload` continues the upload.
 */
export async function uploadInChunks(
  { http, audio, ...given }: ResumableUpload,
  { signal, onProgress, startedUpload, onUploadStarted }: SaveOptions
): Promise<boolean> {
  const { uploadId, bucket, path, contentType, cacheControl, resumableUrl } = given.upload
  const tus = createTus(http, createToken(given), signal ? { signal } : {})
  let url = startedUpload?.uploadId === uploadId ? startedUpload.url : ''
  /** Bytes that arrived, as last known; of a started upload, unknown until the storage has told it. */
  let arrived: number | undefined = url ? undefined : 0
  /** Where the next chunk begins. Unknown after a failure. */
  let next = arrived

  async function begin(): Promise<string> {
    const metadata = { bucketName: bucket, objectName: path, contentType, cacheControl }
    const url = await http.withRetries(() => tus.create(resumableUrl, audio.size, metadata), signal)
    await onUploadStarted?.({ uploadId, url })
    return url
  }

  /** @returns whether more is left to send */
  async function sendNext(): Promise<boolean> {
    const start = next ?? (await tus.offset(url))
    next = undefined
    arrived = start
    const body = audio.slice(start, start + CHUNK_BYTES)
    const report =
      onProgress && (({ loaded }: Progress) => onProgress({ loaded: start + loaded, total: audio.size }))
    if (body.size > 0) await tus.append(url, start, { body, onProgress: report })
    next = arrived = start + body.size
    return next < audio.size
  }

  try {
    url ||= await begin()
    while (await http.withRetries(sendNext, signal));
    return true
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    if (url && ENDED.includes(error.status)) return true
    if (!url || (arrived === 0 && isTransient(error))) return false
    throw error
  }
}

/** The token of the upload. It is renewed before it expires, and after the storage has refused it. */
function createToken({
  upload,
  renew,
  clock
}: Pick<ResumableUpload, 'upload' | 'renew' | 'clock'>): UploadToken {
  let { token, expiresAt } = upload
  let isRefused = false
  return {
    async get() {
      if (isRefused || Date.parse(expiresAt) - clock.now().getTime() < RENEW_BEFORE_MS) {
        ;({ token, expiresAt } = await renew())
        isRefused = false
      }
      return token
    },
    markRefused: () => {
      isRefused = true
    }
  }
}
