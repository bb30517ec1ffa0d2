import type { SessionData } from '../../contract/sessions.ts'
import type { SessionHead } from './repository.ts'

/** `SessionData` without its score, which is sent separately. */
export type SessionDescription = Omit<SessionData, 'xmlContent'>

/** Describes a stored session for the wire. `audioUrl` is the URL that plays. */
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
