import type { Queries } from '../database/client.ts'
import { raw, sql } from '../database/sql.ts'
import { IS_REMOVAL } from './leases/lease-repository.ts'
import { SCORE_COLUMNS, type StoredScores } from './score-repository.ts'

/** A session without its scores. */
export type SessionHead = {
  id: string
  userId: string
  date: Date
  songName: string
  instrument: string
  durationSeconds: number
  notes: string | null
  analysisSummary: string | null
  analysisFeedback: string | null
  scoreAccuracy: number | null
  audioUrl: string | null
  recordingSha256: string | null
  recordingBytes: bigint | null
  /** Increases with every change of the row. */
  revision: number
}

/** A session as it is read. */
export type StoredSession = SessionHead &
  StoredScores & {
    /** The direct upload that was begun last; with an `audioUrl`, the one that was attached. */
    uploadId: string | null
  }

/** Looks up the owner's id within the statement: one round trip, and the index of the list gives the order. */
const owner = (sub: string) => sql`(SELECT id FROM users WHERE auth0_id = ${sub})`

const COLUMNS = sql`
  s.id, user_id AS "userId", date, song_name AS "songName", instrument, duration_seconds AS "durationSeconds", notes,
  ${SCORE_COLUMNS},
  analysis_summary AS "analysisSummary", analysis_feedback AS "analysisFeedback", score_accuracy AS "scoreAccuracy",
  audio_url AS "audioUrl", recording_sha256 AS "recordingSha256", recording_bytes AS "recordingBytes", s.revision,
  upload_id AS "uploadId"`

/**
 * What a repeated save is compared with. `contentDigest` is of what was saved first, null for a session of an
 * earlier release. `currentDigest` is of what the session holds now, null if the first one suffices.
 */
export type SessionToCompare = StoredSession & {
  sub: string
  contentDigest: string | null
  currentDigest: string | null
  /** Whether a deletion of the session, or of its recording, is under way. */
  isBeingDeleted: boolean
}

/** The SQL of sessions: finds and deletes them. Saves, edits and recordings have repositories of their own. */
export const createSessionRepository = (queries: Queries) => ({
  async findOwned(id: string, sub: string): Promise<StoredSession | null> {
    const [row] = await queries.$queryRaw<StoredSession[]>`
      SELECT ${COLUMNS} FROM sessions s WHERE s.id = ${id}::uuid AND user_id = ${owner(sub)}`
    return row ?? null
  },

  /** Finds those of these sessions that the user has, newest first. */
  findMany(userId: string, ids: string[]): Promise<StoredSession[]> {
    return queries.$queryRaw`
      SELECT ${COLUMNS} FROM sessions s
      WHERE s.id = ANY (${ids}::uuid[]) AND user_id = ${userId}::uuid ORDER BY date DESC, s.id`
  },

  /** Finds a session of any user, to compare it with a save that has this digest. */
  async findSaved(id: string, digest: string): Promise<SessionToCompare | null> {
    const [row] = await queries.$queryRaw<SessionToCompare[]>`
      SELECT ${COLUMNS}, auth0_id AS sub, content_digest AS "contentDigest",
        CASE WHEN content_digest IS DISTINCT FROM ${digest} THEN digest_session(s) END AS "currentDigest",
        EXISTS (
          SELECT FROM session_leases WHERE session_id = s.id AND ${raw(IS_REMOVAL)}
        ) AS "isBeingDeleted"
      FROM sessions s JOIN users u ON u.id = user_id WHERE s.id = ${id}::uuid`
    return row ?? null
  },

  /** @returns the date of the session, as PostgreSQL writes it; null when the session does not exist */
  async delete(id: string, userId: string): Promise<string | null> {
    const [deleted] = await queries.$queryRaw<Array<{ date: string }>>`
      DELETE FROM sessions WHERE id = ${id}::uuid AND user_id = ${userId}::uuid RETURNING date::text`
    return deleted?.date ?? null
  }
})

/** Whether the bucket may contain an object of this session. */
export const mayHaveObject = ({ audioUrl, recordingBytes }: SessionHead) =>
  audioUrl !== null || recordingBytes !== null
