import type { DayRange } from '../../contract/stats.ts'
import { defineStatement, type RunStatement } from '../database/statement-runner.ts'

/** The days with practice of a user. */
export type DaysRow = {
  /** The zone asked for, or else the one in which the streak was counted; null when that is unknown. */
  zone: string | null
  /** In order. */
  days: { date: string; seconds: number; sessions: number }[]
}

type DaysQuery = DayRange & {
  sub: string
  /** Zone of the answer instead of the user's own. Both zones are names that the database knows. */
  zone: string | null
  defaultZone: string
}

/** One row for a user. Reads the sessions of the range through the index. Exported for the test of its plan. */
export const daysStatement = defineStatement(
  'days',
  `
    WITH owner AS MATERIALIZED (
      SELECT id, coalesce($2::text, CASE WHEN time_zone IS NOT NULL OR figures_zone = $3 THEN figures_zone END) AS zone
      FROM users WHERE auth0_id = $1
    )
    SELECT zone, (
      SELECT coalesce(json_agg(days ORDER BY date), '[]') FROM (
        SELECT to_char(day, 'YYYY-MM-DD') AS date, sum(duration_seconds) AS seconds, count(*) AS sessions
        FROM (
          SELECT (date AT TIME ZONE zone)::date AS day, duration_seconds FROM sessions
          -- Two hours more on either side: where clocks go back over midnight, a day has no single beginning.
          WHERE user_id = owner.id
            AND date >= $4::date::timestamp AT TIME ZONE zone - interval '2 hours'
            AND date < ($5::date + 1)::timestamp AT TIME ZONE zone + interval '2 hours'
        ) AS session
        WHERE day BETWEEN $4::date AND $5::date GROUP BY day
      ) AS days
    ) AS days
    FROM owner`
)

export const createDaysRepository = (run: RunStatement) => ({
  /** @returns null for a user who was never synced */
  async find({ sub, zone, defaultZone, from, to }: DaysQuery): Promise<DaysRow | null> {
    const [row] = await run<DaysRow>(daysStatement, [sub, zone, defaultZone, from, to])
    return row ?? null
  }
})
