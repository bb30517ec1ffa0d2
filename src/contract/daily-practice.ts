import { addDays, localDay } from './local-day.ts'
import { toMinutes } from './practice-days.ts'
import type { DailyPractice, DayRange } from './stats.ts'

/** Longest range of `GET /api/stats/days`, in days. */
export const MAX_DAYS = 1_100

/** What is wrong with a range: the member and what it must be. Undefined for a valid range. */
export function faultOfRange({ from, to }: DayRange): { path: 'from' | 'to'; message: string } | undefined {
  for (const [path, day] of Object.entries({ from, to })) {
    if (!isDay(day)) {
      return { path: path as 'from' | 'to', message: 'must be a day of the calendar such as 2026-01-31' }
    }
  }
  if (from > to) return { path: 'to', message: 'must not be before `from`' }
  if (Date.parse(to) - Date.parse(from) >= MAX_DAYS * 86_400_000) {
    return { path: 'to', message: `must be at most ${MAX_DAYS} days` }
  }
  return undefined
}

/** The days with practice of a history within a valid range, in order, as `GET /api/stats/days` answers them. */
export function dailyPractice(
  sessions: Iterable<{ date: Date; durationSeconds: number }>,
  timeZone: string,
  { from, to }: DayRange
): DailyPractice[] {
  const days = new Map<string, { seconds: number; sessions: number }>()
  for (const { date, durationSeconds } of sessions) {
    const day = localDay(date, timeZone)
    if (day.length === from.length && day >= from && day <= to) {
      const { seconds, sessions } = days.get(day) ?? { seconds: 0, sessions: 0 }
      days.set(day, { seconds: seconds + durationSeconds, sessions: sessions + 1 })
    }
  }
  return [...days]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([date, { seconds, sessions }]) => ({ date, minutes: toMinutes(seconds), sessions }))
}

/**
 * The days after changes of the history that the server does not know yet. `before`: the days of the history
 * without them, `after`: with them.
 */
export function adjustDays(
  days: DailyPractice[],
  { before, after }: { before: DailyPractice[]; after: DailyPractice[] }
): DailyPractice[] {
  const adjusted = new Map(days.map((day) => [day.date, { ...day }]))
  for (const [list, sign] of [
    [before, -1],
    [after, 1]
  ] as const) {
    for (const { date, minutes, sessions } of list) {
      const day = adjusted.get(date) ?? { date, minutes: 0, sessions: 0 }
      adjusted.set(date, {
        date,
        minutes: day.minutes + sign * minutes,
        sessions: day.sessions + sign * sessions
      })
    }
  }
  return [...adjusted.values()]
    .filter(({ sessions }) => sessions > 0)
    .map((day) => ({ ...day, minutes: Math.max(day.minutes, 0) }))
    .sort((a, b) => (a.date < b.date ? -1 : 1))
}

/** Whether `text` is a day of the years 1 to 9999, written `YYYY-MM-DD`. */
function isDay(text: string): boolean {
  // Engines differ: some read 30 February as 2 March, others not at all.
  return (
    /^\d{4}-\d\d-\d\d$/.test(text) &&
    !text.startsWith('0000') &&
    !Number.isNaN(Date.parse(text)) &&
    addDays(text, 0) === text
  )
}
