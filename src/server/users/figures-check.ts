import type { Queries } from '../database/client.ts'
import { sql } from '../database/sql.ts'
import { isUnknownZone } from '../database/time-zones.ts'
import { countedTotals, localDate, streakRun } from './figures-repository.ts'

/** Which of a user's running figures differ from what their sessions give. */
export type WrongFigures = { totals: boolean; streak: boolean }

/**
 * Compares the running figures of a user with a count of the whole history. One statement reads both, so that
 * a save in between cannot make them differ. Figures that are null are counted when they are first needed:
 * they are not wrong.
 *
 * The stored streak is compared with a count that ends at last_practice_date. A stored 0 is right, too, if that day is
 * before yesterday. Sessions that became due later are no error: the next read counts them.
 * @returns null when the user does not exist
 */
export async function findWrongFigures(
  queries: Queries,
  { userId, now }: { userId: string; now: Date }
): Promise<WrongFigures | null> {
  const zone = sql`(SELECT figures_zone FROM owner)`
  const last = sql`(SELECT last_practice_date FROM owner)`
  const [row] = await queries.$queryRaw<WrongFigures[]>`
    WITH RECURSIVE owner AS MATERIALIZED (
      SELECT * FROM users WHERE id = ${userId}::uuid
    ), ${streakRun({ userId, zone, now: last })}
    SELECT
      num_nulls(total_seconds, session_count, text_bytes, recordings_bytes) = 0
        AND (total_seconds, session_count, text_bytes, recordings_bytes) <> (seconds, sessions, bytes, recordings)
        AS totals,
      figures_zone IS NOT NULL AND NOT (
        last_practice_date IS NOT DISTINCT FROM latest.date
        AND coalesce(last_practice_date <= ${now}::timestamptz, true)
        AND (
          streak_count = (SELECT coalesce(max(days), 0) FROM run)
          OR streak_count = 0 AND ${localDate(last, zone)} < ${localDate(sql`${now}::timestamptz`, zone)} - 1
        )
      ) AS streak
    FROM owner, latest, (${countedTotals(userId)}) AS counted`.catch((error) => {
    if (isUnknownZone(error)) return [{ totals: false, streak: true }]
    throw error
  })
  return row ?? null
}
