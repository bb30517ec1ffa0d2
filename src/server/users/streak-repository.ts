import { countStreak, type PracticeDay } from '../../contract/practice-days.ts'
import { invalidInput } from '../errors.ts'
import { sqlState } from '../database/errors.ts'
import type { Queries } from '../database/client.ts'

/**
 * Whose days to count, and in which time zone. `timeZone` overrides the zone of the user; `defaultTimeZone`
 * is the zone of users without one.
 */
export type StreakQuery = { sub: string; timeZone?: string | undefined; defaultTimeZone: string; now: Date }

/** Days are `YYYY-MM-DD`. */
export type PracticeHistory = { today: string; days: PracticeDay[] }

type Row = { today: string; day: string | null; seconds: number; practised: boolean }

/**
 * Reads the local days of a user's sessions in one statement. A user who was never synced has no days.
 * @throws {ApiError} invalid_input, naming `field`, when PostgreSQL does not know the time zone
 */
export async function findPracticeDays(
  queries: Queries,
  { sub, timeZone, defaultTimeZone, now }: StreakQuery,
  field = 'tz'
): Promise<PracticeHistory> {
  const rows = await queries.$queryRaw<Row[]>`
    WITH named AS (
      SELECT coalesce(
        ${timeZone ?? null}::text,
        (SELECT time_zone FROM users WHERE auth0_id = ${sub}),
        ${defaultTimeZone}::text
      ) AS name
    ), resolved AS (
      -- PostgreSQL reads these four names as abbreviations without summer time. IANA links them to these
      -- zones.
      SELECT CASE upper(name)
        WHEN 'CET' THEN 'Europe/Brussels'
        WHEN 'MET' THEN 'Europe/Brussels'
        WHEN 'EET' THEN 'Europe/Athens'
        WHEN 'WET' THEN 'Europe/Lisbon'
        ELSE name
      END AS zone
      FROM named
    ), days AS (
      SELECT (date AT TIME ZONE zone)::date AS day,
        sum(duration_seconds)::float8 AS seconds,
        bool_or(date <= ${now}::timestamptz) AS practised
      FROM sessions, resolved
      WHERE user_id = (SELECT id FROM users WHERE auth0_id = ${sub})
      GROUP BY 1
    )
    SELECT to_char(${now}::timestamptz AT TIME ZONE zone, 'YYYY-MM-DD') AS today,
      to_char(day, 'YYYY-MM-DD') AS day, seconds, practised
    FROM resolved LEFT JOIN days ON true`.catch(rejectUnknownZone(field))
  return { today: rows[0]?.today ?? '', days: rows.filter(hasDay) }
}

const hasDay = (row: Row): row is Row & { day: string } => row.day !== null

/** SQLSTATE (PostgreSQL manual, appendix A). */
const INVALID_PARAMETER_VALUE = '22023'

const rejectUnknownZone =
  (field: string) =>
  (error: unknown): never => {
    throw sqlState(error) === INVALID_PARAMETER_VALUE
      ? invalidInput(field, 'must be an IANA time zone that the database knows, such as Europe/Berlin')
      : error
  }

/**
 * Updates `users.streak_count` and `users.last_practice_date`. Call it inside the transaction that changed
 * sessions or time zone, with the user's row locked.
 */
export async function refreshStreak(queries: Queries, query: StreakQuery): Promise<void> {
  const { today, days } = await findPracticeDays(queries, query, '/timeZone')
  const streak = countStreak(
    days.filter(({ practised }) => practised).map(({ day }) => day),
    today
  )
  await queries.$executeRaw`
    UPDATE users SET streak_count = ${streak}, last_practice_date = (
      SELECT max(date) FROM sessions WHERE user_id = users.id AND date <= ${query.now}::timestamptz
    ) WHERE auth0_id = ${query.sub}`
}
