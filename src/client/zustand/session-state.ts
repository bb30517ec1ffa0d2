import type { Analysis, SessionChanges, SessionData, UserStatsData } from '../storage-service.ts'

/** The response of the AI service, under its own names. */
export type AnalysisResults = {
  performace_summary?: string
  'coach-feedback'?: string
  'user-spectrogram'?: string
  'target-spectrogram'?: string
  'marked-up-musicxml'?: string
}

/** The session being practised. Its analysis also has members that are displayed but not stored. */
export type CurrentSession = Omit<SessionData, 'analysis'> & { analysis?: Analysis & AnalysisResults }

export type SessionState = {
  currentSession: CurrentSession | null
  isRecording: boolean
  isAnalyzing: boolean

  /** Newest first. Sessions that are not saved have `pending` set, and `refusal` when the save failed. */
  history: SessionData[]
  /** The streak from the storage service, in days; 0 until it is loaded. */
  streak: number
  stats: UserStatsData | null
  /**
   * When history and stats were loaded that are shown although the account cannot be reached; `error` has the
   * reason. Null when they are current.
   */
  staleSince: Date | null
  isLoading: boolean
  /** The session that is being sent to the account; null when none is. */
  sendingId: string | null
  /** Progress of that upload, from 0 to 1; null when there is none or it is unknown. */
  uploadProgress: number | null
  /**
   * The error of the last load, save, change or deletion; null when it succeeded. While `staleSince` is set, the
   * reason why there is no newer answer.
   */
  error: Error | null

  /** Loads history and stats. Call it when the app starts. Never rejects; see `error`. */
  load: () => Promise<void>

  startNewSession: (xmlContent: string, songName: string, instrument: string) => void
  /** Changes any members of the current session, such as its name, date, score or notes. */
  changeSession: (changes: Partial<Omit<CurrentSession, 'id'>>) => void
  setInstrument: (instrument: string) => void
  setDurationSeconds: (durationSeconds: number) => void
  setRecordingBlob: (audio: Blob) => void
  setAnalysisResults: (results: AnalysisResults | Analysis) => void
  setRecordingStatus: (isRecording: boolean) => void
  setAnalyzingStatus: (isAnalyzing: boolean) => void
  clearSession: () => void

  /**
   * Saves the current session. It appears in the history immediately and stops being current once it is
   * saved; with an outbox, once it is safe in this browser: it is sent afterwards, and what the server then
   * refuses stays in the history as refused. On failure, rejects and the session stays current; if another
   * session was started meanwhile, the failed one stays in the history as refused, for `retrySave`. A second call
   * during a save joins it.
   */
  saveSession: () => Promise<void>
  /**
   * Tries a refused or delayed session again; `withoutRecording` for one whose recording is
   * `recording_unreadable`.
   */
  retrySave: (id: string, options?: { withoutRecording?: boolean }) => Promise<void>
  /** Stops sending a session. It stays in the outbox as stopped, for `retrySave`. */
  stopSending: (id: string) => Promise<void>
  /** Changes a saved session. The changes show immediately; on failure, rejects and undoes them. */
  updateSession: (id: string, changes: SessionChanges) => Promise<void>
  /** Deletes a session. It disappears immediately; on failure, rejects and the session reappears. */
  deleteSession: (id: string) => Promise<void>
}

export type SetState = (
  changes: Partial<SessionState> | ((state: SessionState) => Partial<SessionState>)
) => void
