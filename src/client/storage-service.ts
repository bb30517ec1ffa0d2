import type { UserStatsData } from '../contract/practice-days.ts'
import type { SessionData as WireSession } from '../contract/sessions.ts'

export type { UserStatsData }

/** What the coach said of a session; each part may be missing. */
export type Analysis = NonNullable<WireSession['analysis']>

/** Why a session was not accepted, as `StorageError` says it, in a form that IndexedDB and JSON keep. */
export type Refusal = { status: number; code: string; detail: string }

/**
 * A practice session: the wire's `SessionData`, and in the browser perhaps its recording.
 *
 * Members that a list does not carry (`xmlContent`, `analysis`) are absent there; null means that there is none.
 * A recording is in `audio`, or behind `audioUrl` (an http or `data:` URL); play whichever is there. A save reads
 * `audio` only.
 */
export type SessionData = Pick<WireSession, 'id' | 'date' | 'songName' | 'instrument' | 'durationSeconds'> &
  Partial<Pick<WireSession, 'xmlContent' | 'analysis' | 'audioUrl'>> & {
    audio?: Blob
    /** Set for a session that has not reached the account: it waits for the network, or was refused for good. */
    pending?: 'waiting' | 'refused'
    /** Why, when refused. */
    refusal?: Refusal
  }

/** How far an upload is, in bytes. */
export type Progress = { loaded: number; total: number }

export type CallOptions = {
  /** Aborting rejects with the signal's reason. A save that was already on its way may still have happened. */
  signal?: AbortSignal
}

export type SaveOptions = CallOptions & { onProgress?: (progress: Progress) => void }

/**
 * Where practice sessions are kept. Every implementation behaves the same:
 *
 * Failures reject with a `StorageError`; its `code` tells what happened. Without a network that is `network_error`
 * with status 0 (services that work locally do not need one).
 */
export interface IStorageService {
  /** The whole history, newest first (equal dates by id). Empty for somebody new. */
  getSessions(options?: CallOptions): Promise<SessionData[]>

  /** One session with everything in it, or null when there is none with that id. */
  getSessionById(id: string, options?: CallOptions): Promise<SessionData | null>

  /**
   * Keeps the session under its id, a UUID that the caller makes. When the promise resolves, session and recording
   * are both kept; when it rejects without a refusal, the session may be there without its recording, until the save
   * is repeated. Saving the same session again changes nothing and succeeds, so a save may always be repeated;
   * saving something else under a used id rejects with `id_reused` (409). The id of a deleted session is free again.
   */
  saveSession(session: SessionData, options?: SaveOptions): Promise<void>

  /** Removes session and recording. Succeeds when there is none (any more), so it may always be repeated. */
  deleteSession(id: string, options?: CallOptions): Promise<void>

  /** The current week, the streak and the total, in the browser's time zone. */
  getUserStats(options?: CallOptions): Promise<UserStatsData>
}

/** Something could not be read or kept. Branch on `code`; `detail` is for the person and says what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  // Declared, so that nothing is emitted for what the constructor sets anyway.
  /** The HTTP status, or the one that fits best; 0 when no answer came. */
  declare readonly status: number
  /** The server's problem code, or `network_error`, `no_token`, `unexpected_answer`, `recording_unreachable`, `storage_full`, `storage_unreadable`. */
  declare readonly code: string
  declare readonly detail: string
  /** The seconds after which the server said to try again. */
  declare readonly retryAfter: number | undefined

  constructor(
    status: number,
    code: string,
    detail: string,
    { retryAfter, cause }: { retryAfter?: number | undefined; cause?: unknown } = {}
  ) {
    super(detail, { cause })
    this.status = status
    this.code = code
    this.detail = detail
    this.retryAfter = retryAfter
  }
}
