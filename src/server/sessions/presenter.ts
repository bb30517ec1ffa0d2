import type { SessionData } from '../../contract/sessions.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import type { SessionHead } from './repository.ts'
import type { Score, Scores } from './score-repository.ts'

type Analysis = NonNullable<SessionData['analysis']>

/** `SessionData`, whose scores may be in pieces that are read while they are sent. */
export type SessionAnswer = Omit<SessionData, 'xmlContent' | 'analysis'> & {
  xmlContent: Score | null
  analysis: (Omit<Analysis, 'markedXml'> & { markedXml: Score | null }) | null
}

/** Describes a stored session for the wire. `audioUrl` is the URL that plays. */
export function describeSession(
  row: SessionHead,
  audioUrl: string | null,
  { xmlContent, markedXml }: Scores<Score | null>
): SessionAnswer {
  const analysis = {
    summary: row.analysisSummary,
    feedback: row.analysisFeedback,
    scoreAccuracy: row.scoreAccuracy,
    markedXml
  }
  return {
    id: row.id,
    date: row.date.toISOString(),
    songName: row.songName,
    instrument: row.instrument,
    durationSeconds: row.durationSeconds,
    xmlContent,
    notes: row.notes,
    analysis: Object.values(analysis).every((value) => value === null) ? null : analysis,
    audioUrl
  }
}

/**
 * The JSON of a stored session, with a URL that plays.
 * @throws {ApiError} storage_unavailable
 */
export async function withPlaybackUrl(
  json: string,
  { areCanonical, resolveOne }: Pick<PlaybackUrls, 'areCanonical' | 'resolveOne'>
): Promise<string> {
  if (areCanonical) return json
  const session = JSON.parse(json) as SessionData
  return JSON.stringify({ ...session, audioUrl: await resolveOne(session.audioUrl) })
}
