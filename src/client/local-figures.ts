import { dailyPractice, faultOfRange } from '../contract/daily-practice.ts'
import { localDay } from '../contract/local-day.ts'
import { practiceDays, summarise } from '../contract/practice-days.ts'
import { datedSessions } from './dated-sessions.ts'
import { toListedSession, type LocalEntry } from './local-entry.ts'
import { distinct } from './local-history.ts'
import { StorageError, type DailyPractice, type DayRange, type UserStatsData } from './storage-service.ts'

export function localStats(history: LocalEntry[], timeZone: string, now: Date): UserStatsData {
  return summarise(practiceDays(dated(history), timeZone, now), localDay(now, timeZone))
}

/** @throws StorageError `invalid_input` for a range that the server rejects as well */
export function localDays(history: LocalEntry[], timeZone: string, range: DayRange): DailyPractice[] {
  const fault = faultOfRange(range)
  if (fault) throw new StorageError(400, 'invalid_input', `\`${fault.path}\` ${fault.message}.`)
  return dailyPractice(dated(history), timeZone, range)
}

const dated = (history: LocalEntry[]) => datedSessions(distinct(history).map(toListedSession))
