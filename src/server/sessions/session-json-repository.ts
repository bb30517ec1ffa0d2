import { defineStatement, type RunStatement } from '../database/statement-runner.ts'
import { SMALL_SCORE_BYTES } from './score-repository.ts'

/** One session of its owner, as the wire's SessionData. Exported for a test of its query plan. */
export const sessionJsonStatement = defineStatement(
  'session',
  `
    SELECT CASE WHEN coalesce(greatest(octet_length(xml_content), octet_length(marked_xml)), 0) <= ${SMALL_SCORE_BYTES}
    THEN json_build_object(
      'id', id,
      'date', to_char(date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'songName', song_name,
      'instrument', instrument,
      'durationSeconds', duration_seconds,
      'xmlContent', xml_content,
      'notes', notes,
      'analysis', CASE WHEN num_nonnulls(analysis_summary, analysis_feedback, score_accuracy, marked_xml) > 0
        THEN json_build_object('summary', analysis_summary, 'feedback', analysis_feedback,
          'scoreAccuracy', score_accuracy, 'markedXml', marked_xml) END,
      'audioUrl', audio_url
    )::text END AS json, revision
    FROM sessions WHERE id = $1::uuid AND user_id = (SELECT id FROM users WHERE auth0_id = $2)`
)

/** A session as PostgreSQL writes it. `json` is null if a score is too large for one string. */
type SessionJson = { json: string | null; revision: number }

/** The SQL of one session as JSON. */
export const createSessionJsonRepository = (run: RunStatement) => ({
  /** @returns null when the user has no such session */
  async find(id: string, sub: string): Promise<SessionJson | null> {
    const [row] = await run<SessionJson>(sessionJsonStatement, [id, sub])
    return row ?? null
  }
})
