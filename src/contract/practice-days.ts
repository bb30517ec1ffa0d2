/**
 * Practice history as calendar days: the basis of the weekly graph and the streak.
 *
 * The browser counts with this module. The server takes its days and its rounding from here, and counts streaks
 * in SQL (`users/figures-repository.ts`); tests compare the two. The module never reads the clock: callers pass
 * `now` or `today`.
 */

import { addDays, localDay, weekOf } from './local-day.ts'
import type { UserStatsData } from './stats.ts'

/** One local day of a user's history. */
export type PracticeDay = {
  day: string
  /** Total duration of all sessions dated that day, future ones included. */
  seconds: number
  /** False when every session of the day is still in the future: those do not count for the streak yet. */
  practised: boolean
}

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

/**
 * Groups sessions by local day, in order of first appearance. A session dated after `now` adds its seconds to
 * its day, but does not make the day practised.
 */
export function practiceDays(
  sessions: Iterable<{ date: Date; durationSeconds: number }>,
  timeZone: string,
  now: Date
): PracticeDay[] {
  const days = new Map<string, PracticeDay>()
  for (const { date, durationSeconds } of sessions) {
    const day = localDay(date, timeZone)
    const entry = days.get(day) ?? { day, seconds: 0, practised: false }
    entry.seconds += durationSeconds
    entry.practised ||= date <= now
    days.set(day, entry)
  }
  return [...days.values()]
}

/**
 * The number of consecutive days in `days`, counted back from `today`, or from yesterday while today is
 * missing: a streak must not look broken in the morning. Order, duplicates and days after today do not
 * matter.
 *
 * A date that a zone skipped (30 December 2011 in Samoa) is a day without practice, as in SQL.
 */
export function countStreak(days: Iterable<string>, today: string): number {
  const practised = new Set(days)
  let day = practised.has(today) ? today : addDays(today, -1)
  let streak = 0
  for (; practised.has(day); day = addDays(day, -1)) streak++
  return streak
}

/**
 * The week of `today`, as `GET /api/stats` answers it.
 * @param secondsOn seconds of practice on a day; weekday 0 is Monday
 */
export const weeklyProgress = (today: string, secondsOn: (date: string, weekday: number) => number) =>
  weekOf(today).map((date, weekday) => ({
    day: WEEKDAYS[weekday] ?? '',
    date,
    minutes: toMinutes(secondsOn(date, weekday))
  }))

/**
 * The stats of a history, as `GET /api/stats` answers them. Days may come in any order, and more than once.
 */
export function summarise(days: Iterable<PracticeDay>, today: string): UserStatsData {
  const history = [...days]
  const seconds = new Map<string, number>()
  let total = 0
  for (const entry of history) {
    seconds.set(entry.day, (seconds.get(entry.day) ?? 0) + entry.seconds)
    total += entry.seconds
  }
  return {
    weekly_progress: weeklyProgress(today, (date) => seconds.get(date) ?? 0),
    streak: countStreak(
      history.filter((entry) => entry.practised).map((entry) => entry.day),
      today
    ),
    total_minutes: toMinutes(total)
  }
}

/** Seconds as minutes, rounded. */
export function toMinutes(seconds: number): number {
  return Math.round(seconds / 60)
}
