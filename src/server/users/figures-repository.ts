import type { Queries } from '../database/client.ts'
import { sql, type Sql } from '../database/sql.ts'

/** The user, the time zone and the time for counting. `zone` is a name that the database knows. */
export type FiguresQuery = { userId: string; zone: string; now: Date }

/**
 * The running figures in a user's row: streak, newest session and sums. The triggers of the table `sessions`
 * keep the sums right and set `figures_zone` to null when the streak becomes unknown (prisma/migrations,
 * `update_figures`).
 *
 * The user must be locked by an earlier statement: the snapshot of a statement is older than a lock for which
 * it waited.
 */
export const createFiguresRepository = (queries: Queries) => ({
  /**
   * Sets the streak to 0 if it has ended by now.
   * @returns false when the streak is not known: it was counted in another zone, or a session is later than the newest
   * one that was counted
   */
  async endStreakIfOver({ userId, zone, now }: FiguresQuery): Promise<boolean> {
    const [row] = await queries.$queryRaw<Array<{ isKnown: boolean }>>`
      UPDATE users SET streak_count = CASE
        WHEN ${localDate(sql`last_practice_date`, zone)} < ${localDate(sql`${now}::timestamptz`, zone)} - 1 THEN 0
        ELSE streak_count END
      WHERE id = ${userId}::uuid AND figures_zone = ${zone} AND NOT EXISTS (
        SELECT FROM sessions
        WHERE user_id = users.id AND date > coalesce(last_practice_date, '-infinity') AND date <= ${now}::timestamptz
      )
      RETURNING true AS "isKnown"`
    return row?.isKnown ?? false
  },

  /** Makes the streak unknown, so that it is counted again. */
  async forgetStreak(sub: string): Promise<void> {
    await queries.$executeRaw`UPDATE users SET figures_zone = NULL WHERE auth0_id = ${sub}`
  },

  /** Counts the streak from the newest session back, day by day. */
  async countStreak({ userId, zone, now }: FiguresQuery): Promise<void> {
    await queries.$executeRaw`
      WITH RECURSIVE ${streakRun({ userId, zone, now })}
      UPDATE users SET
        streak_count = (SELECT coalesce(max(days), 0) FROM run),
        last_practice_date = (SELECT date FROM latest),
        figures_zone = ${zone}
      WHERE id = ${userId}::uuid`
  },

  /** Counts the sums of the whole history. */
  async countTotals(userId: string): Promise<void> {
    await queries.$executeRaw`
      UPDATE users SET total_seconds = seconds, session_count = sessions, text_bytes = bytes,
        recordings_bytes = recordings
      FROM (${countedTotals(userId)}) AS counted
      WHERE id = ${userId}::uuid`
  },

  /**
   * Shortens the streak after the deletion of one session, without a walk: the streak was known before.
   * @param deleted the session's date, as PostgreSQL writes it
   * @returns false when the streak has to be counted
   */
  async subtractSession({ userId, zone, now }: FiguresQuery, deleted: string): Promise<boolean> {
    const [row] = await queries.$queryRaw<Array<{ isKnown: boolean }>>`
      WITH days AS (
        SELECT id, streak_count AS streak,
          ${localDate(sql`last_practice_date`, zone)} AS last_day,
          ${localDate(sql`${deleted}::timestamptz`, zone)} AS deleted_day,
          ${localDate(sql`${now}::timestamptz`, zone)} AS today,
          newest, coalesce(newest > coalesce(last_practice_date, '-infinity'), false) AS has_later
        FROM users, LATERAL (
          SELECT max(date) AS newest FROM sessions WHERE user_id = users.id AND date <= ${now}::timestamptz
        ) AS due
        WHERE id = ${userId}::uuid
      )
      UPDATE users SET
        last_practice_date = newest,
        figures_zone = CASE WHEN has_later THEN NULL ELSE ${zone} END,
        streak_count = CASE
          WHEN newest IS NULL OR has_later OR ${localDate(sql`newest`, zone)} < today - 1 THEN 0
          WHEN deleted_day > last_day OR deleted_day <= last_day - streak THEN streak
          WHEN ${hasSessionOn(sql`days.id`, sql`deleted_day`, { zone, now })} THEN streak
          WHEN deleted_day = last_day THEN streak - 1
          ELSE last_day - deleted_day END
      FROM days WHERE users.id = days.id
      RETURNING figures_zone IS NOT NULL AS "isKnown"`
    return row?.isKnown ?? false
  }
})

/** The streak in any zone, without writing it. */
export async function findStreak(queries: Queries, query: FiguresQuery): Promise<number> {
  const [row] = await queries.$queryRaw<Array<{ days: number }>>`
    WITH RECURSIVE ${streakRun(query)} SELECT coalesce(max(days), 0)::int AS days FROM run`
  return row?.days ?? 0
}

/** The sums of the whole history. */
export const countedTotals = (userId: string) => sql`
  SELECT coalesce(sum(duration_seconds), 0) AS seconds, count(*) AS sessions,
    coalesce(sum(recording_bytes), 0) AS recordings, coalesce(sum(text_bytes(s)), 0) AS bytes
  FROM sessions s WHERE user_id = ${userId}::uuid`

/** Zone and time of a streak, as values or as SQL. */
type ZoneAndTime = { zone: string | Sql; now: Date | Sql }

export const localDate = (instant: Sql, zone: string | Sql) => sql`(${instant} AT TIME ZONE ${zone})::date`

/** Whether there is a session on a local day, other than in the future. */
const hasSessionOn = (userId: Sql, day: Sql, { zone, now }: ZoneAndTime) => sql`
  EXISTS (
    SELECT FROM sessions
    WHERE user_id = ${userId} AND date <= ${now}::timestamptz
      -- Two hours more on either side: where clocks go back over midnight, a day has no single beginning.
      AND date >= (${day})::timestamp AT TIME ZONE ${zone} - interval '2 hours'
      AND date < (${day} + 1)::timestamp AT TIME ZONE ${zone} + interval '2 hours'
      AND (date AT TIME ZONE ${zone})::date = ${day}
  )`

/** Common table expressions: `latest` is the newest session, `run` the days of the streak with a running number. */
export const streakRun = ({ userId, zone, now }: ZoneAndTime & { userId: string }) => sql`
  latest AS (
    SELECT max(date) AS date FROM sessions WHERE user_id = ${userId}::uuid AND date <= ${now}::timestamptz
  ), run AS (
    SELECT ${localDate(sql`date`, zone)} AS day, 1 AS days FROM latest
    WHERE ${localDate(sql`date`, zone)} >= ${localDate(sql`${now}::timestamptz`, zone)} - 1
    UNION ALL
    SELECT day - 1, days + 1 FROM run
    WHERE ${hasSessionOn(sql`${userId}::uuid`, sql`(day - 1)`, { zone, now })}
  )`
