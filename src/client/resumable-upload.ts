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
 * `finished`: nothing is left to send. `gone`: the upload no longer exists, perhaps because it was completed.
 * `notStarted`: the storage took nothing, so that a PUT may still work.
 */
type Outcome = 'finished' | 'gone' | 'notStarted'

/**
 * Sends a recording in chunks. After a failure it asks how many bytes have arrived, and goes on from there.
 *
 * @throws {StorageError} when the connection was lost after some bytes have arrived, or before the storage
 *   could tell how many have. `startedUpload` continues the upload.
 */
export async function uploadInChunks(
  { http, audio, ...given }: ResumableUpload,
  { startedUpload, onUploadStarted, ...options }: SaveOptions
): Promise<Outcome> {
  const { signal } = options
  const { uploadId, bucket, path, contentType, cacheControl, resumableUrl } = given.upload
  const tus = createTus(http, createToken(given), signal ? { signal } : {})
  if (startedUpload?.uploadId === uploadId) {
    return sendChunks({ http, tus, audio, url: startedUpload.url, next: undefined }, options)
  }
  const url = await begin().catch(undefinedIfRefused)
  return url ? sendChunks({ http, tus, audio, url, next: 0 }, options) : 'notStarted'

  async function begin(): Promise<string> {
    const metadata = { bucketName: bucket, objectName: path, contentType, cacheControl }
    const url = await http.withRetries(() => tus.create(resumableUrl, audio.size, metadata), signal)
    await onUploadStarted?.({ uploadId, url })
    return url
  }
}

type Chunks = {
  http: Http
  tus: ReturnType<typeof createTus>
  audio: Blob
  url: string
  /** Where the next chunk begins. Undefined while only the storage can tell, as after a failure. */
  next: number | undefined
}

async function sendChunks(
  { http, tus, audio, url, next }: Chunks,
  { signal, onProgress }: SaveOptions
): Promise<Outcome> {
  /** Whether the storage had no byte of the recording, as last known. */
  let isEmpty = next === 0

  /** @returns whether more is left to send */
  async function sendNext(): Promise<boolean> {
    const start = next ?? (await tus.offset(url))
    next = undefined
    isEmpty = start === 0
    const body = audio.slice(start, start + CHUNK_BYTES)
    const report =
      onProgress && (({ loaded }: Progress) => onProgress({ loaded: start + loaded, total: audio.size }))
    if (body.size > 0) await tus.append(url, start, { body, onProgress: report })
    next = start + body.size
    return next < audio.size
  }

  try {
    while (await http.withRetries(sendNext, signal));
    return 'finished'
  } catch (error) {
    if (error instanceof StorageError && ENDED.includes(error.status)) return 'gone'
    if (isEmpty && isTransient(error)) return 'notStarted'
    throw error
  }
}

function undefinedIfRefused(error: unknown): undefined {
  if (!(error instanceof StorageError)) throw error
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
