import type { SessionData as WireSession } from '../contract/sessions.ts'
import type { DailyPractice, DayRange, UserStatsData } from '../contract/stats.ts'

export type { DailyPractice, DayRange, UserStatsData }

/**
 * The coach's analysis of a session. Each member may be null. `markedXml` is the score (MusicXML) as the
 * analysis marked it up.
 */
export type Analysis = NonNullable<WireSession['analysis']>

/** A `StorageError` as plain data, for IndexedDB and JSON. */
export type Failure = { status: number; code: string; detail: string }

/** Why a session is refused, or delayed: the server's permanent rejection, or the last failure. */
export type Refusal = Failure

/**
 * A practice session: the wire's `SessionData`, plus its recording as a Blob where the browser has it.
 *
 * Lists omit `xmlContent`, `analysis` and `notes`; null means that the session has none. A recording is in
 * `audio` or behind `audioUrl` (an http or `data:` URL): play the one that is set. `saveSession` reads only
 * `audio`.
 */
export type SessionData = Pick<WireSession, 'id' | 'date' | 'songName' | 'instrument' | 'durationSeconds'> &
  Partial<Pick<WireSession, 'xmlContent' | 'analysis' | 'notes' | 'audioUrl'>> & {
    audio?: Blob
    /** Only in lists: `analysis.scoreAccuracy`, 0 to 100. */
    scoreAccuracy?: number | null
    /** Only in an edited local session: identifies the session in an import, whatever was edited. */
    importKey?: string
    /**
     * Set while something of a session waits in the outbox. `delayed`: it keeps failing while others could be
     * delivered, and is tried again later. `stopped`: the user stopped it, and it waits for `retry`. `refused`:
     * the server rejected it permanently.
     */
    pending?: 'waiting' | 'delayed' | 'stopped' | 'refused'
    /** The reason, when `pending` is `'refused'` or `'delayed'`. */
    refusal?: Refusal
  }

/** Upload progress, in bytes. */
export type Progress = { loaded: number; total: number }

/** Age of a kept answer, and the error that prevented a newer one. */
export type Stale = { loadedAt: Date; reason: StorageError }

export type CallOptions = {
  /** Aborting rejects with the signal's reason. A save that was already sent may still succeed. */
  signal?: AbortSignal | undefined
  /** Called when a read of the outbox resolves with a kept answer, because the account cannot be reached. */
  onStale?: ((stale: Stale) => void) | undefined
  /** The ETag of an answer that the caller has. An unchanged one rejects with status 304. */
  etag?: string | undefined
  /** Called with the ETag of the answer. */
  onEtag?: ((etag: string | undefined) => void) | undefined
}

/** An upload that has begun: enough to continue it, also after a reload of the page. */
export type StartedUpload = { uploadId: string; url: string }

export type SaveOptions = CallOptions & {
  onProgress?: (progress: Progress) => void
  /** Called by the outbox when the session is safe in this browser, before it is sent. */
  onKept?: () => void
  /** The upload that an interrupted save of the same session and recording has begun, to continue it. */
  startedUpload?: StartedUpload
  /** Called before the first byte of a resumable upload is sent. The upload waits for it. */
  onUploadStarted?: (upload: StartedUpload) => Promise<unknown>
}

/**
 * Storage of practice sessions. All implementations behave the same, unless a method says otherwise.
 *
 * Failures reject with a `StorageError`. Without a network its code is `network_error` and its status 0; a
 * local service needs no network.
 */
export interface IStorageService {
  /** The whole history, newest first (equal dates by id). Empty for a new user. */
  getSessions(options?: CallOptions): Promise<SessionData[]>

  /** One full session, or null when no session has that id. */
  getSessionById(id: string, options?: CallOptions): Promise<SessionData | null>

  /**
   * Saves the session under its id, a UUID that the caller generates. Resolves when both session and
   * recording are stored. After a rejection that says nothing about the content (no network, a server error),
   * the session may be stored without its recording until the save is repeated. Repeating a save is safe:
   * saving the same session again changes nothing and resolves. Saving other content under the same id
   * rejects with `id_reused` (409). The id of a deleted session can be used again.
   */
  saveSession(session: SessionData, options?: SaveOptions): Promise<void>

  /** Deletes session and recording. Resolves when the session does not exist, so it is safe to repeat. */
  deleteSession(id: string, options?: CallOptions): Promise<void>

  /** Minutes of the current week, streak and total minutes, in the browser's time zone. */
  getUserStats(options?: CallOptions): Promise<UserStatsData>
}

/**
 * Changes of a session, as a JSON merge patch (RFC 7396): absent and undefined members stay as they are, null
 * clears. The members of `analysis` are merged in the same way.
 */
export type SessionChanges = Partial<
  Pick<SessionData, 'songName' | 'instrument' | 'durationSeconds' | 'date' | 'xmlContent' | 'notes'>
> & { analysis?: Partial<Analysis> | null }

/** What the services do beyond `IStorageService`. */
export interface PracticeStorage extends IStorageService {
  /**
   * Changes a stored session. Safe to repeat; the last change of a member wins. Rejects with
   * `session_not_found` (404) when no session has that id, and with `invalid_input` (400) for values that
   * `saveSession` rejects.
   */
  updateSession(id: string, changes: SessionChanges, options?: CallOptions): Promise<void>

  /**
   * The days with practice from `from` to `to` (`YYYY-MM-DD`, both included, at most 1,100 days), in order,
   * in the browser's time zone. Rejects with `invalid_input` (400) for any other range.
   */
  getPracticeDays(range: DayRange, options?: CallOptions): Promise<DailyPractice[]>
}

/** A failed call. Branch on `code`. `detail` is a sentence for the user that says what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  // `declare`: the constructor assigns these members, so no field initialisers are emitted.
  /** The HTTP status, or the closest one; 0 when no response arrived. */
  declare readonly status: number
  /**
   * The server's problem code, or `network_error`, `no_token`, `unexpected_answer`, `recording_unreachable`,
   * `recording_unreadable`, `storage_full`, `storage_blocked`, `storage_unreadable`, `browser_fault`.
   */
  declare readonly code: string
  declare readonly detail: string
  /** Seconds after which the server allows another attempt (`Retry-After`). */
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
