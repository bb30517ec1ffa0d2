import { StorageError, type Failure, type SessionData } from '../storage-service.ts'

/**
 * Loads the recording of a local session.
 *
 * @returns the recording; nothing when the session has none; or, in `lost`, why it can never be loaded
 * @throws StorageError when a later attempt may succeed
 */
export async function loadRecording(
  { audio, audioUrl }: SessionData,
  request: typeof fetch
): Promise<{ audio?: Blob; lost?: Failure }> {
  if (audio || !audioUrl) return audio ? { audio } : {}
  const response = await request(audioUrl).catch((cause) => cause as Error)
  if (!(response instanceof Error) && response.ok) return { audio: await response.blob() }
  if (audioUrl.startsWith('data:')) {
    return {
      lost: { status: 0, code: 'recording_unreadable', detail: 'The recording is damaged.' }
    }
  }
  const status = response instanceof Error ? 0 : await statusOf(response)
  if (status === 404 || status === 410) {
    return {
      lost: { status, code: 'recording_gone', detail: 'The recording no longer exists.' }
    }
  }
  throw new StorageError(status, 'recording_unreachable', 'The recording is not available. Try again later.')
}

/** The status of an answer. Supabase answers 400 for a missing object, and has the status 404 in the body. */
async function statusOf(response: Response): Promise<number> {
  const { status } = response
  const body = status === 400 ? await response.json().catch(() => undefined) : undefined
  return Number(body?.statusCode) || status
}
