import { EMPTY_ANALYSIS, readAnalysis } from '../analysis.ts'
import type { Clock } from '../clock.ts'
import { randomUuid } from '../random-uuid.ts'
import type { CurrentSession, SessionState, SetState } from './session-state.ts'

/** Actions on the current session. They change only the store. */
export function practiceActions(set: SetState, clock: Pick<Clock, 'now'>) {
  const change = (changes: Partial<CurrentSession>) =>
    set(({ currentSession }) => ({ currentSession: currentSession && { ...currentSession, ...changes } }))

  return {
    startNewSession: (xmlContent, songName, instrument) =>
      set({
        currentSession: {
          id: randomUuid(),
          date: clock.now().toISOString(),
          songName,
          instrument,
          durationSeconds: 0,
          xmlContent
        },
        isRecording: false,
        isAnalyzing: false
      }),
    setInstrument: (instrument) => change({ instrument }),
    setDurationSeconds: (durationSeconds) => change({ durationSeconds }),
    setRecordingBlob: (audio) => change({ audio }),
    setAnalysisResults: (results) =>
      change({ analysis: { ...results, ...(readAnalysis(results) ?? EMPTY_ANALYSIS) } }),
    changeSession: change,
    setRecordingStatus: (isRecording) => set({ isRecording }),
    setAnalyzingStatus: (isAnalyzing) => set({ isAnalyzing }),
    clearSession: () => set({ currentSession: null, isRecording: false, isAnalyzing: false })
  } satisfies Partial<SessionState>
}
