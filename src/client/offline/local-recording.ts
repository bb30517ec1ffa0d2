import { StorageError, type Refusal, type SessionData } from '../storage-service.ts'

/**
 * The recording of a local session, wherever it is.
 *
 * @returns the recording, nothing when there is none, or why it is lost for good
 * @throws StorageError when it may be there another time
 */
export async function localRecording(
  { audio, audioUrl }: SessionData,
  request: typeof fetch
): Promise<{ audio?: Blob; lost?: Refusal }> {
  if (audio || !audioUrl) return audio ? { audio } : {}
  const response = await request(audioUrl).catch((cause) => cause as Error)
  if (!(response instanceof Error) && response.ok) return { audio: await response.blob() }
  if (audioUrl.startsWith('data:')) {
    return {
      lost: { status: 0, code: 'recording_unreadable', detail: 'The recording in this browser is damaged.' }
    }
  }
  const status = response instanceof Error ? 0 : response.status
  if (status === 404 || status === 410) {
    return {
      lost: { status, code: 'recording_gone', detail: 'The recording is no longer where it was kept.' }
    }
  }
  throw new StorageError(
    status,
    'recording_unreachable',
    'The recording cannot be fetched from where it is kept. Try again later.'
  )
}
