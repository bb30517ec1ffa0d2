import { defineStatement, type RunStatement } from '../database/statement-runner.ts'
import type { SessionHead } from './repository.ts'
import type { Scores } from './score-repository.ts'

/** What became of an attempt to write a session. */
export type Written =
  | { outcome: 'created'; userId: string; revision: number; mustRecount: boolean }
  /** A row with this id was there first. */
  | { outcome: 'id taken'; userId: string }
  | { outcome: 'lease lost' }
  | { outcome: 'no such user' }

/** A session to be written for the user of a token. `contentDigest`: of the content as sent, to recognise a repeat. */
export type NewRow = Omit<SessionHead, 'userId' | 'revision'> &
  Scores<string | null> & { contentDigest: string }

type Options = {
  sub: string
  now: Date
  defaultZone: string
  fencingToken: string | undefined
  lockTimeoutMs: number
  /** See `quotaSetting`. */
  quotas: string
}
type Row = { userId: string; hasLease: boolean; revision: number | null; mustRecount: boolean | null }

/**
 * Locks the user, ends the lease of a save with a recording, inserts the session and brings the streak up to
 * date: one round trip, one transaction. The sums and the user's revision are kept by the trigger
 * `sessions_inserted`.
 *
 * lock_timeout equals the time limit of the call, so that a save is not stored after its caller got an error. (A
 * statement_timeout set within a statement begins with the next one; lock_timeout applies at once.)
 *
 * The streak is extended from the user's row where that is certain to be right: it was counted in today's
 * zone, no session that lay in the future has become due, and the new session is not older than the newest
 * one. Otherwise figures_zone becomes null, and the caller has to count again.
 *
 * The revision of a session begins with that of its user, which only grows. So a session under the id of a
 * deleted one has other revisions.
 */
const saveText = (lease: string, leaseSource: string) => `
  WITH owner AS MATERIALIZED (
    SELECT id, revision, streak_count AS streak, last_practice_date AS last,
      CASE WHEN time_zone IS NOT NULL OR figures_zone = $3 THEN figures_zone END AS zone
    FROM users WHERE auth0_id = $1 AND set_config('lock_timeout', $4, true) <> ''
      AND set_config('harmony_helper.quotas', $20, true) <> '' FOR NO KEY UPDATE
  ),${lease} saved AS (
    INSERT INTO sessions (id, user_id, revision, date, song_name, instrument, duration_seconds, xml_content, notes,
      analysis_summary, analysis_feedback, score_accuracy, marked_xml, audio_url, recording_bytes, recording_sha256,
      content_digest)
    SELECT $5::uuid, owner.id, owner.revision::int, $6::timestamptz, $7, $8, $9::int, $10, $11, $12, $13, $14::int, $15,
      $16, $17::bigint, $18, $19
    FROM ${leaseSource}
    ON CONFLICT (id) DO NOTHING
    RETURNING id, date, revision
  ), days AS MATERIALIZED (
    SELECT owner.*, saved.date, saved.date <= $2 AS is_due, (saved.date AT TIME ZONE zone)::date AS day,
      (last AT TIME ZONE zone)::date AS last_day, ($2::timestamptz AT TIME ZONE zone)::date AS today,
      EXISTS (
        SELECT FROM sessions WHERE user_id = owner.id AND date > coalesce(last, '-infinity') AND date <= $2
      ) AS has_later
    FROM owner, saved
  ), figures AS (
    UPDATE users SET
      last_practice_date = CASE WHEN is_due THEN greatest(last, date) ELSE last END,
      streak_count = CASE
        WHEN greatest(last_day, CASE WHEN is_due THEN day END) < today - 1 THEN 0
        WHEN NOT is_due THEN streak
        WHEN last IS NULL OR day > last_day + 1 THEN 1
        WHEN day = last_day + 1 THEN streak + 1
        ELSE streak END,
      figures_zone = CASE
        WHEN has_later THEN NULL
        WHEN NOT is_due THEN zone
        WHEN last IS NULL OR day > last_day + 1 THEN zone
        -- A streak that had ended was written as 0: how many days it had is unknown.
        WHEN streak = 0 AND day >= today - 1 THEN NULL
        WHEN date >= last OR streak = 0 THEN zone
        -- As in update_figures(): near the first day of the streak, it is counted again.
        WHEN date > last - (streak - 2) * interval '1 day' OR date < last - (streak + 2) * interval '1 day' THEN zone
        END
    FROM days WHERE users.id = days.id
    RETURNING figures_zone IS NULL AS must_recount
  )${lease ? END_LEASE : ''}
  SELECT owner.id AS "userId", saved.revision, must_recount AS "mustRecount",
    ${lease ? 'EXISTS (SELECT FROM lease)' : 'true'} AS "hasLease"
  FROM owner LEFT JOIN saved ON true LEFT JOIN figures ON true`

const LEASE = `
  lease AS MATERIALIZED (
    SELECT session_id FROM session_leases, owner WHERE session_id = $5 AND holder = $21::uuid
    FOR UPDATE OF session_leases
  ),`

const END_LEASE = `
  , ended AS (DELETE FROM session_leases USING saved WHERE session_id = saved.id)`

/** Exported for the test of its plan. */
export const saveStatement = defineStatement('save', saveText('', 'owner'))
const saveUnderLeaseStatement = defineStatement('save-leased', saveText(LEASE, 'owner, lease'))

/** The SQL of a save: one statement writes the row, ends the lease and extends the streak. */
export const createSaveRepository = (run: RunStatement) => ({
  /** Writes all of it or nothing. */
  async insert(
    row: NewRow,
    { sub, now, defaultZone, fencingToken, lockTimeoutMs, quotas }: Options
  ): Promise<Written> {
    const values = [
      sub,
      now,
      defaultZone,
      String(lockTimeoutMs),
      row.id,
      row.date,
      row.songName,
      row.instrument,
      row.durationSeconds,
      row.xmlContent,
      row.notes,
      row.analysisSummary,
      row.analysisFeedback,
      row.scoreAccuracy,
      row.markedXml,
      row.audioUrl,
      row.recordingBytes,
      row.recordingSha256,
      row.contentDigest,
      quotas
    ]
    const [written] = fencingToken
      ? await run<Row>(saveUnderLeaseStatement, [...values, fencingToken])
      : await run<Row>(saveStatement, values)
    if (!written) return { outcome: 'no such user' }
    const { userId, hasLease, revision, mustRecount } = written
    if (!hasLease) return { outcome: 'lease lost' }
    return revision === null
      ? { outcome: 'id taken', userId }
      : { outcome: 'created', userId, revision, mustRecount: mustRecount ?? false }
  }
})
