import type { Analysis, SessionData, UserStatsData } from '../storage-service.ts'

/** What the AI service answers, in its own names. */
export type AnalysisResults = {
  performace_summary?: string
  'coach-feedback'?: string
  'user-spectrogram'?: string
  'target-spectrogram'?: string
  'marked-up-musicxml'?: string
}

/** The session being practised. Its analysis also has the members that are only shown and never kept. */
export type CurrentSession = Omit<SessionData, 'analysis'> & { analysis?: Analysis & AnalysisResults }

export type SessionState = {
  currentSession: CurrentSession | null
  isRecording: boolean
  isAnalyzing: boolean

  /** Newest first. What is not saved (yet) has `pending` set, and `refusal` when its save failed. */
  history: SessionData[]
  /** The server's or the local service's real streak; 0 until it is loaded. */
  streak: number
  stats: UserStatsData | null
  isLoading: boolean
  /** The share of the recording that is uploaded, while a save is under way and its progress is known. */
  uploadProgress: number | null
  /** Why the last load, save or deletion failed. */
  error: Error | null

  /** Loads history and stats; for the app's start. Never rejects: see `error`. */
  load: () => Promise<void>

  startNewSession: (xmlContent: string, songName: string, instrument: string) => void
  setInstrument: (instrument: string) => void
  setDurationSeconds: (durationSeconds: number) => void
  setRecordingBlob: (audio: Blob) => void
  setAnalysisResults: (results: AnalysisResults | Analysis) => void
  setRecordingStatus: (isRecording: boolean) => void
  setAnalyzingStatus: (isAnalyzing: boolean) => void
  clearSession: () => void

  /**
   * Saves the current session, which shows in the history at once and stops being current when it is saved. When that
   * fails, it rejects and the session is current as before; or, if another was started meanwhile, it stays in the
   * history as refused, for `retrySave`. Calling again meanwhile saves nothing twice.
   */
  saveSession: () => Promise<void>
  /** Saves once more what the history shows as refused. */
  retrySave: (id: string) => Promise<void>
  /** Removes the session at once; when that fails, it rejects and the session is there again. */
  deleteSession: (id: string) => Promise<void>
}

export type SetState = (
  changes: Partial<SessionState> | ((state: SessionState) => Partial<SessionState>)
) => void
