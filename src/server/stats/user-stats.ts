import { isTimeZone, summarise } from '../../contract/practice-days.ts'
import type { UserStatsData } from '../../contract/stats.ts'
import type { Queries } from '../database/client.ts'
import { invalidInput } from '../errors.ts'
import { findPracticeDays, type StreakQuery } from '../users/streak-repository.ts'

/**
 * Counts the stats of a user: zero for one who was never synced.
 * @throws {ApiError} invalid_input for an unknown time zone; database_unavailable
 */
export async function userStats(queries: Queries, query: StreakQuery): Promise<UserStatsData> {
  if (query.timeZone !== undefined && !isTimeZone(query.timeZone)) {
    throw invalidInput('tz', 'must be an IANA time zone such as Europe/Berlin')
  }
  const { days, today } = await findPracticeDays(queries, query)
  return summarise(days, today)
}
