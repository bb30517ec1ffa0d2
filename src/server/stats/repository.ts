import { defineStatement, type RunStatement } from '../database/statement-runner.ts'

/** A user's figures and this week's sessions, as of one moment. */
export type StatsRow = {
  userId: string
  /** Null while they are not counted. */
  totalSeconds: number | null
  /** The time zone in which the streak was counted; null when the streak is unknown. */
  streakZone: string | null
  /** The zone asked for, or else the one in which the streak was counted; null when that is unknown. */
  zone: string | null
  /** Local day in that zone, `YYYY-MM-DD`; null without a zone. */
  today: string | null
  /** Days of the streak that ended `daysSincePractice` days ago. */
  streak: number
  daysSincePractice: number | null
  /** Whether a session that lay in the future when the streak was counted does not any more. */
  hasLaterSession: boolean
  /** Seconds of practice, Monday to Sunday. */
  weekSeconds: number[]
}

type StatsQuery = {
  sub: string
  /** Zone of the answer instead of the user's own. Both zones are names that the database knows. */
  zone: string | null
  defaultZone: string
  now: Date
}

const secondsOf = (weekday: number) =>
  `coalesce(sum(duration_seconds) FILTER (WHERE (date AT TIME ZONE zone)::date = monday + ${weekday}), 0)`

/**
 * One row for a user, whatever the length of the history: the figures come from the user's row, the week
 * through the index of the history. Exported for the test of its plan.
 */
export const statsStatement = defineStatement(
  'stats',
  `
    WITH owner AS MATERIALIZED (
      SELECT id, total_seconds, streak_count, last_practice_date AS last,
        CASE WHEN time_zone IS NOT NULL OR figures_zone = $3 THEN figures_zone END AS streak_zone
      FROM users WHERE auth0_id = $1
    ), week AS MATERIALIZED (
      SELECT owner.*, zone, ($4::timestamptz AT TIME ZONE zone)::date AS today,
        date_trunc('week', $4::timestamptz AT TIME ZONE zone)::date AS monday
      FROM owner, coalesce($2::text, streak_zone) AS zone
    ), stats AS (
      SELECT id AS "userId", zone, total_seconds AS "totalSeconds", streak_zone AS "streakZone",
        to_char(today, 'YYYY-MM-DD') AS today, streak_count AS streak,
        ($4::timestamptz AT TIME ZONE streak_zone)::date - (last AT TIME ZONE streak_zone)::date
          AS "daysSincePractice",
        EXISTS (
          SELECT FROM sessions WHERE user_id = week.id AND date > coalesce(last, '-infinity') AND date <= $4
        ) AS "hasLaterSession",
        (
          SELECT json_build_array(${[0, 1, 2, 3, 4, 5, 6].map(secondsOf).join(', ')}) FROM sessions
          -- Two hours more on either side: where clocks go back over midnight, a day has no single beginning.
          WHERE user_id = week.id
            AND date >= monday::timestamp AT TIME ZONE zone - interval '2 hours'
            AND date < (monday + 7)::timestamp AT TIME ZONE zone + interval '2 hours'
        ) AS "weekSeconds"
      FROM week
    )
    -- One column: node-postgres spends more time on the names and types of ten.
    SELECT to_json(stats) AS stats FROM stats`
)

export const createStatsRepository = (run: RunStatement) => ({
  /** @returns null for a user who was never synced */
  async find({ sub, zone, defaultZone, now }: StatsQuery): Promise<StatsRow | null> {
    const [row] = await run<{ stats: StatsRow }>(statsStatement, [sub, zone, defaultZone, now])
    return row?.stats ?? null
  }
})
