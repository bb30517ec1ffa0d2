import type { Upload } from '../contract/recordings.ts'
import type { Http } from './api-http.ts'
import type { Clock } from './clock.ts'
import { recordingUnreachable } from './recording-unreachable.ts'
import { CHUNK_BYTES, uploadInChunks } from './resumable-upload.ts'
import type { SaveOptions } from './storage-service.ts'

export type RecordingUpload = { http: Http; clock: Clock; sessionPath: string; audio: Blob }

// Statuses after which an inline save may succeed: the inline route checks only the bytes and does not depend
// on what the browser can reach.
const INLINE_FALLBACK = [400, 404, 409, 415]

/**
 * Uploads the recording of a stored session to the object storage, in chunks if it has more than one, and
 * attaches it. An upload that an earlier attempt has begun is continued.
 *
 * @returns false when the recording should be sent inline instead
 */
export async function uploadRecording(recording: RecordingUpload, options: SaveOptions): Promise<boolean> {
  const { startedUpload, ...fresh } = options
  // The earlier upload may have expired, or another one has replaced it.
  return Boolean((startedUpload && (await attempt(recording, options))) || (await attempt(recording, fresh)))
}

async function attempt({ http, clock, sessionPath, audio }: RecordingUpload, options: SaveOptions) {
  const { signal, startedUpload } = options
  const path = `${sessionPath}/recording`
  const begin = (uploadId?: string) =>
    post<Upload>(path, { contentType: audio.type || 'audio/webm', bytes: audio.size, uploadId })
  try {
    const upload = await begin(startedUpload?.uploadId)
    await send(upload, () => begin(upload.uploadId))
    await post(`${path}/complete`, { uploadId: upload.uploadId })
    return true
  } catch (error) {
    if (INLINE_FALLBACK.includes((error as { status?: number }).status ?? -1)) return false
    throw error
  }

  async function send(upload: Upload, renew: () => Promise<Upload>): Promise<void> {
    const isResumable = upload.resumableUrl && audio.size > CHUNK_BYTES
    if (isResumable) {
      const outcome = await uploadInChunks({ http, clock, audio, upload, renew }, options)
      if (outcome !== 'notStarted') return // `complete` tells what arrived
    }
    const { url, contentType } = upload
    // A failed PUT is ignored: the response may be lost or hidden by CORS, and `complete` tells what arrived.
    await http
      .transfer(
        { ...options, method: 'PUT', url, headers: { 'content-type': contentType }, body: audio },
        expectOk
      )
      .catch(() => signal?.throwIfAborted())
  }

  function post<T>(path: string, body: object): Promise<T> {
    return http.call<T>({
      ...(signal && { signal }),
      method: 'POST',
      path,
      body: new Blob([JSON.stringify(body)])
    })
  }
}

async function expectOk({ ok, status }: Response): Promise<void> {
  if (!ok) throw recordingUnreachable(status)
}
