import { faultOfRange } from '../../contract/daily-practice.ts'
import { toMinutes } from '../../contract/practice-days.ts'
import type { DailyPractice, DayRange } from '../../contract/stats.ts'
import type { Database } from '../database/client.ts'
import { invalidInput } from '../errors.ts'
import { refreshFigures } from '../users/figures.ts'
import { withKnownZone } from '../users/with-known-zone.ts'
import { createDaysRepository, type DaysRow } from './days-repository.ts'
import { requireTimeZone, type StatsRequest } from './stats-request.ts'

/**
 * The days with practice of a user, in order: none for one who was never synced. Sessions of the future
 * count.
 * @throws {ApiError} invalid_input for a wrong range or an unknown time zone; database_unavailable
 */
export async function readPracticeDays(
  database: Database,
  request: StatsRequest & DayRange
): Promise<{ days: DailyPractice[] }> {
  const fault = faultOfRange(request)
  if (fault) throw invalidInput(fault.path, fault.message)
  requireTimeZone(request.timeZone)
  const row = await findDays(database, request)
  const days = row?.days ?? []
  return {
    days: days.map(({ date, seconds, sessions }) => ({ date, minutes: toMinutes(seconds), sessions }))
  }
}

/** Counts the streak first when the zone of the user's days is unknown. @returns null for a user never synced */
async function findDays(database: Database, request: StatsRequest & DayRange): Promise<DaysRow | null> {
  const { sub, timeZone, defaultTimeZone, now, from, to } = request
  const { zones } = database
  const repository = createDaysRepository(database.run)
  const query = { sub, from, to, defaultZone: await zones.resolve([defaultTimeZone]) }
  const zone = timeZone === undefined ? null : await zones.resolve([timeZone, defaultTimeZone])
  const row = await withKnownZone(database, sub, () => repository.find({ ...query, zone }))
  if (!row || row.zone !== null) return row
  const user = await database.transaction((queries) =>
    refreshFigures(queries, sub, { zones, defaultTimeZone, now })
  )
  return repository.find({ ...query, zone: user?.streakZone ?? query.defaultZone })
}
