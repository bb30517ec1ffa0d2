import type { SessionData } from '../../contract/sessions.ts'
import type { SessionHead } from './repository.ts'

/** The wire's SessionData without its score, which is sent apart. */
export type SessionDescription = Omit<SessionData, 'xmlContent'>

/** The wire's SessionData without its score; `audioUrl` is the URL that plays. */
export function describeSession(row: SessionHead, audioUrl: string | null): SessionDescription {
  const analysis = {
    summary: row.analysisSummary,
    feedback: row.analysisFeedback,
    scoreAccuracy: row.scoreAccuracy
  }
  return {
    id: row.id,
    date: row.date.toISOString(),
    songName: row.songName,
    instrument: row.instrument,
    durationSeconds: row.durationSeconds,
    analysis: Object.values(analysis).every((value) => value === null) ? null : analysis,
    audioUrl
  }
}
