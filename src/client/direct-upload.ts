import type { Upload } from '../contract/recordings.ts'
import type { Http } from './api-http.ts'
import { StorageError, type Progress, type SaveOptions, type SessionData } from './storage-service.ts'

export type Surroundings = {
  http: Http
  /** Saves in one piece, the recording inline; answers what is kept. */
  save: (session: SessionData, options: SaveOptions) => Promise<SessionData>
}

type LargeSession = SessionData & { audio: Blob }

// What the direct way may refuse and the inline one take: that goes by the bytes alone, and needs no storage in reach.
const PERHAPS_INLINE = [400, 404, 409, 415]
const PART_BYTES = 1024 * 1024

/** Saves under way in this page, by the id of their session. */
const underWay = new Map<string, Promise<void>>()

/**
 * Saves a session without its recording, and sends that to the storage then. Where this does not work, the session is
 * taken back and saved in one piece.
 *
 * Nothing is remembered from one attempt to the next: what the server has of the session tells how far the last came.
 *
 * @throws {StorageError} as every save does. The session may be there without its recording then, unless it was refused.
 */
export async function saveDirectly(
  surroundings: Surroundings,
  session: LargeSession,
  options: SaveOptions = {}
): Promise<void> {
  const { id } = session
  // Equal saves take turns: the later ones find everything there, and none takes back what another brought.
  for (let other; (other = underWay.get(id));) await settled(other, options.signal)
  const saving = bring(surroundings, session, options).finally(() => underWay.delete(id))
  underWay.set(id, saving)
  await saving
}

async function bring(
  { http, save }: Surroundings,
  session: LargeSession,
  { signal, onProgress }: SaveOptions
): Promise<void> {
  const { audio, ...bare } = session
  const options = signal ? { signal } : {}
  const sessionPath = `/api/sessions/${session.id}`
  const path = `${sessionPath}/recording`
  const meter = onProgress && createMeter(audio.size, onProgress)
  const metered = { ...options, ...(meter && { onProgress: meter.tell }) }

  // Looked at before each step: what another tab brought meanwhile is not to be taken back.
  for (const step of [upload, takeBack]) {
    const stored = await save(bare, options).catch(unlessReused)
    // Perhaps an earlier save sent it inline; only the same form can tell.
    if (!stored) break
    if (stored.audioUrl) await expectSame(stored.audioUrl)
    if (stored.audioUrl || (await step())) return meter?.finish()
  }
  await save(session, metered)
  meter?.finish()

  /** False when the inline form should be tried. */
  async function upload(): Promise<boolean> {
    try {
      const { uploadId, url, contentType } = await post<Upload>(path, {
        contentType: audio.type || 'audio/webm',
        bytes: audio.size
      })
      // Whether it arrived is for the server to say: an answer may get lost, or be kept from this page.
      await http
        .transfer(
          { ...metered, method: 'PUT', url, headers: { 'content-type': contentType }, body: audio },
          expectOk
        )
        .catch(() => signal?.throwIfAborted())
      await post(`${path}/complete`, { uploadId })
      return true
    } catch (error) {
      const { status = -1 } = error as Partial<StorageError>
      if (status === 413) await takeBack()
      if (PERHAPS_INLINE.includes(status)) return false
      throw error
    }
  }

  async function takeBack(): Promise<boolean> {
    await http.call({ ...options, method: 'DELETE', path: sessionPath }).catch((error) => {
      if (error.status !== 404) throw error
    })
    return false
  }

  /** A repeated save must not take another recording for its own. */
  async function expectSame(url: string): Promise<void> {
    const kept = await http.transfer(
      { ...options, method: 'GET', url, headers: {}, bytes: audio.size },
      async (response) => {
        // Not with its status: a link that does not work says nothing against this save.
        if (!response.ok) throw unreachable(502)
        return response.blob()
      }
    )
    if (!(await isSame(kept, audio))) {
      throw new StorageError(409, 'id_reused', 'Another session has this id; choose a new one.')
    }
  }

  function post<T>(path: string, body: object): Promise<T> {
    return http.call<T>({ ...options, method: 'POST', path, body: new Blob([JSON.stringify(body)]) })
  }
}

/** Turns the progress of whatever is sent into bytes of the recording: ever more, and all only at the end. */
function createMeter(total: number, onProgress: (progress: Progress) => void) {
  let last = 0
  const tell = (loaded: number) => {
    if (loaded <= last) return
    last = loaded
    onProgress({ loaded, total })
  }
  return {
    tell: (sent: Progress) => tell(Math.floor((sent.loaded / sent.total) * (total - 1))),
    finish: () => tell(total)
  }
}

/** Waits for the end of it, whatever that is. */
async function settled(work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const aborted = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  await Promise.race([work.catch(() => {}), aborted])
}

async function expectOk({ ok, status }: Response): Promise<void> {
  if (!ok) throw unreachable(status)
}

function unreachable(status: number): StorageError {
  return new StorageError(
    status,
    'recording_unreachable',
    'The storage of recordings does not answer as it should. Try again later.'
  )
}

function unlessReused(error: StorageError): undefined {
  if (error.code !== 'id_reused') throw error
}

async function isSame(one: Blob, other: Blob): Promise<boolean> {
  if (one.size !== other.size) return false
  for (let at = 0; at < one.size; at += PART_BYTES) {
    const [some = [], same = []] = await Promise.all(
      [one, other].map(async (blob) => new Uint8Array(await blob.slice(at, at + PART_BYTES).arrayBuffer()))
    )
    if (some.some((byte, index) => byte !== same[index])) return false
  }
  return true
}
