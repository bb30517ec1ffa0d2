import { localDay } from '../../contract/local-day.ts'
import { summarise, toMinutes, weeklyProgress } from '../../contract/practice-days.ts'
import type { UserStatsData } from '../../contract/stats.ts'
import type { Database } from '../database/client.ts'
import { refreshFigures } from '../users/figures.ts'
import { findStreak } from '../users/figures-repository.ts'
import { withKnownZone } from '../users/with-known-zone.ts'
import { createStatsRepository, type StatsRow } from './repository.ts'
import { requireTimeZone, type StatsRequest } from './stats-request.ts'

/** A row whose zone is known. */
type RowWithZone = StatsRow & { zone: string; today: string }

/**
 * The stats of a user: zero for one who was never synced. Their cost does not grow with the number of
 * sessions; in another zone than the user's own, it grows with the days of the streak.
 * @throws {ApiError} invalid_input for an unknown time zone; database_unavailable
 */
export async function userStats(database: Database, query: StatsRequest): Promise<UserStatsData> {
  const { timeZone, defaultTimeZone, now } = query
  requireTimeZone(timeZone)
  const row = await findCurrent(database, query)
  if (!row) return summarise([], localDay(now, timeZone ?? defaultTimeZone))
  return {
    weekly_progress: weeklyProgress(row.today, (_date, weekday) => row.weekSeconds[weekday] ?? 0),
    streak: await streakOf(database, row, now),
    total_minutes: toMinutes(row.totalSeconds ?? 0)
  }
}

/** Counts missing figures first. @returns null for a user who was never synced */
async function findCurrent(database: Database, query: StatsRequest): Promise<RowWithZone | null> {
  const { sub, timeZone, defaultTimeZone, now } = query
  const { zones } = database
  const stats = createStatsRepository(database.run)
  const defaultZone = await zones.resolve([defaultTimeZone])
  const zone = timeZone === undefined ? null : await zones.resolve([timeZone, defaultTimeZone])
  const row = await withKnownZone(database, sub, () => stats.find({ sub, zone, defaultZone, now }))
  if (!row || isCurrent(row)) return row
  const user = await database.transaction((queries) =>
    refreshFigures(queries, sub, { zones, defaultTimeZone, now })
  )
  const knownZone = zone ?? user?.streakZone ?? defaultZone
  return stats.find({ sub, zone: knownZone, defaultZone, now }) as Promise<RowWithZone | null>
}

/** A row with a `streakZone` has a `zone`. */
const isCurrent = (row: StatsRow): row is RowWithZone =>
  row.totalSeconds !== null && row.streakZone !== null && !row.hasLaterSession

/** Takes the streak of the user's row if that was counted in the zone of the answer, and counts it otherwise. */
async function streakOf(database: Database, row: RowWithZone, now: Date): Promise<number> {
  const { userId, zone, streakZone, hasLaterSession, daysSincePractice, streak } = row
  if (zone !== streakZone || hasLaterSession) return findStreak(database.queries, { userId, zone, now })
  return daysSincePractice !== null && daysSincePractice <= 1 ? streak : 0
}
