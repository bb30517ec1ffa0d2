import { addDays } from './local-day.ts'
import { countStreak, summarise, type PracticeDay } from './practice-days.ts'
import type { UserStatsData } from './stats.ts'

/**
 * Adds local, unsent changes to the server's stats. `before`: the days of the history
 * without them, `after`: with them. Exact when `before` is the history that the server counted; of a shorter one,
 * the minutes are up to one minute too many or too few.
 */
export function adjustStats(
  stats: UserStatsData,
  { before, after }: { before: PracticeDay[]; after: PracticeDay[] },
  today: string
): UserStatsData {
  const [known, actual] = [summarise(before, today), summarise(after, today)]
  const change = ({ date }: { date: string }) => minutesOn(actual, date) - minutesOn(known, date)
  const practised = after.filter((entry) => entry.practised).map(({ day }) => day)
  return {
    weekly_progress: stats.weekly_progress.map((day) => ({
      ...day,
      minutes: Math.max(day.minutes + change(day), 0)
    })),
    streak: countStreak([...practised, ...unknownDays(stats, before, today)], today),
    total_minutes: Math.max(stats.total_minutes + actual.total_minutes - known.total_minutes, 0)
  }
}

const minutesOn = ({ weekly_progress: week }: UserStatsData, date: string): number =>
  week.find((day) => day.date === date)?.minutes ?? 0

/** The days of the server's streak that a history lacks. */
function unknownDays(stats: UserStatsData, history: PracticeDay[], today: string): string[] {
  const practised = new Set(history.filter((entry) => entry.practised).map(({ day }) => day))
  const hasToday =
    practised.has(today) || minutesOn(stats, today) > minutesOn(summarise(history, today), today)
  const last = hasToday ? today : addDays(today, -1)
  const streak = Array.from({ length: stats.streak }, (_, index) => addDays(last, -index))
  return streak.filter((day) => !practised.has(day))
}
