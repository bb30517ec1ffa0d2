import type { Http } from './api-http.ts'
import type { Clock } from './clock.ts'
import { readBlob } from './read-blob.ts'
import { recordingUnreachable } from './recording-unreachable.ts'
import { uploadRecording } from './recording-upload.ts'
import { isSameBlob } from './same-blob.ts'
import { idReused } from './session-errors.ts'
import type { SaveOptions, SessionData, StorageError } from './storage-service.ts'
import { createUploadProgress } from './upload-progress.ts'
import { sessionPath, unlessMissing } from './wire-session.ts'

export type DirectUploadServices = {
  http: Http
  clock: Clock
  /** Saves with the recording inline. Returns the stored session. */
  save: (session: SessionData, options: SaveOptions) => Promise<SessionData>
}

type SessionWithAudio = SessionData & { audio: Blob }

/** Saves in progress in this page, by session id. */
const savesInProgress = new Map<string, Promise<void>>()

/**
 * Saves a session without its recording, then uploads the recording to the object storage. If the upload is
 * not possible, deletes the session and saves it again with the recording inline.
 *
 * Keeps no state between attempts: the stored session shows how far the last attempt came.
 *
 * @throws {StorageError} as every save does. The session may then be stored without its recording, unless the
 *   server rejected it.
 */
export async function saveDirectly(
  services: DirectUploadServices,
  session: SessionWithAudio,
  options: SaveOptions = {}
): Promise<void> {
  const { id } = session
  // Saves of one session run one after another: a later one finds the session complete and deletes nothing of
  // an earlier.
  for (let other; (other = savesInProgress.get(id));) await waitForEnd(other, options.signal)
  const saving = saveAndUpload(services, session, options).finally(() => savesInProgress.delete(id))
  savesInProgress.set(id, saving)
  await saving
}

async function saveAndUpload(
  { http, clock, save }: DirectUploadServices,
  session: SessionWithAudio,
  { signal, onProgress, ...uploads }: SaveOptions
): Promise<void> {
  const { audio, ...withoutAudio } = session
  // `fetch` reports an unreadable body as a network error.
  await readBlob(audio.slice(0, 1))
  const options = signal ? { signal } : {}
  const path = sessionPath(session.id)
  const progress = onProgress && createUploadProgress(audio.size, onProgress)
  const uploadOptions = { ...options, ...(progress && { onProgress: progress.report }) }

  if ((await tryDirect()) === 'inline') await save(session, uploadOptions)
  progress?.finish()

  async function tryDirect(): Promise<'done' | 'inline'> {
    const saved = await saveMetadata()
    if (saved !== 'recordingMissing') return saved
    if (await upload()) return 'done'
    // Look again before the deletion: another tab may have uploaded the recording meanwhile.
    const savedAgain = await saveMetadata()
    if (savedAgain !== 'recordingMissing') return savedAgain
    await deleteMetadata()
    return 'inline'
  }

  /** Saves the session without its recording. If that was done before, the answer is the stored session. */
  async function saveMetadata(): Promise<'done' | 'inline' | 'recordingMissing'> {
    const stored = await save(withoutAudio, options).catch(undefinedIfReused)
    // `id_reused`: an earlier attempt may have saved the session inline. Only the same inline save can tell.
    if (!stored) return 'inline'
    if (!stored.audioUrl) return 'recordingMissing'
    await expectSameRecording(stored.audioUrl)
    return 'done'
  }

  /** Returns false when the recording should be sent inline instead. */
  async function upload(): Promise<boolean> {
    return uploadRecording({ http, clock, sessionPath: path, audio }, { ...uploadOptions, ...uploads }).catch(
      async (error) => {
        if (error.status === 413) await deleteMetadata()
        throw error
      }
    )
  }

  async function deleteMetadata(): Promise<void> {
    await http.call({ ...options, method: 'DELETE', path }).catch(unlessMissing(undefined))
  }

  /** Rejects with `id_reused` when the stored recording is another one. */
  async function expectSameRecording(url: string): Promise<void> {
    const stored = await http.transfer(
      { ...options, method: 'GET', url, headers: {}, bytes: audio.size },
      async (response) => {
        // Always 502: the status of a broken link says nothing about this save.
        if (!response.ok) throw recordingUnreachable(502)
        return response.blob()
      }
    )
    if (!(await isSameBlob(stored, audio))) throw idReused()
  }
}

/** Waits until the work has succeeded or failed. */
async function waitForEnd(work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const aborted = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  await Promise.race([work.catch(() => {}), aborted])
}

function undefinedIfReused(error: StorageError): undefined {
  if (error.code !== 'id_reused') throw error
}
