/**
 * Practice history as calendar days: the basis of the weekly graph and the streak.
 *
 * The browser counts with this module. The server takes its days and its rounding from here, and counts streaks
 * in SQL (`users/figures-repository.ts`); tests compare the two. The module imports nothing at run time and never
 * reads the clock: callers pass `now` or `today`.
 *
 * A "day" is a `YYYY-MM-DD` string, the local date of the user. Days carry no time zone; only `localDay` and
 * `practiceDays` need one. Years outside 0–9999 are written as `Date` writes them, with a sign and six digits
 * (`+012345-01-01`).
 */

import type { UserStatsData } from './stats.ts'

/** One local day of a user's history. */
export type PracticeDay = {
  day: string
  /** Total duration of all sessions dated that day, future ones included. */
  seconds: number
  /** False when every session of the day is still in the future: those do not count for the streak yet. */
  practised: boolean
}

const DAY_MS = 86_400_000
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

// Three-letter names that ICU, and so V8, inherited from old Java although IANA has no such zones. They must
// be refused: PostgreSQL reads some of them as other zones (IST is Israel there and India here).
const NOT_IANA =
  /^(ACT|AET|AGT|ART|AST|BET|BST|CAT|CNT|CST|CTT|EAT|ECT|IET|IST|JST|MIT|NET|NST|PLT|PNT|PRT|PST|SST|VST|SystemV\/.*)$/i

// Creating a formatter costs a hundred times as much as using it. The keys are lower case, because Intl
// ignores case. Only names that Intl knows are cached, so a caller cannot fill the memory with invented or
// respelled names.
const formatters = new Map<string, Intl.DateTimeFormat>()

/**
 * The calendar day on which `instant` falls in `timeZone`.
 *
 * @throws RangeError when the instant is an invalid Date or Intl does not know the zone (see `isTimeZone`)
 */
export function localDay(instant: Date, timeZone: string): string {
  // en-US, because its numeric form with an era, "11/16/2026 AD", is the same in every engine.
  const [date = '', era] = formatterFor(timeZone).format(instant).split(' ')
  const [month = '', day = '', year = ''] = date.split('/')
  return `${isoYear(year, era)}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
}

/** The day `count` days after `day`, or before it when `count` is negative. */
export function addDays(day: string, count: number): string {
  return isoDay(Date.parse(day) + count * DAY_MS)
}

/** The seven days, Monday to Sunday, of the ISO week that contains `day`. */
export function weekOf(day: string): string[] {
  const time = Date.parse(day)
  const daysSinceMonday = (new Date(time).getUTCDay() + 6) % 7
  return WEEKDAYS.map((_, index) => isoDay(time + (index - daysSinceMonday) * DAY_MS))
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

/**
 * The stats after changes of the history that the server does not know yet. `before`: the days of the history
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
 * Whether `name` is an IANA time zone that Intl knows, in upper or lower case. Offsets such as `+01:00`,
 * which newer engines accept, are refused: without summer time, day boundaries would be wrong for half the
 * year.
 */
export function isTimeZone(name: string): boolean {
  if (!/^[a-z]/i.test(name) || NOT_IANA.test(name)) return false
  try {
    return Boolean(formatterFor(name))
  } catch {
    return false
  }
}

function formatterFor(timeZone: string): Intl.DateTimeFormat {
  const key = timeZone.toLowerCase()
  const known = formatters.get(key)
  if (known) return known
  const formatter = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric'
  })
  formatters.set(key, formatter)
  return formatter
}

function isoYear(year: string, era?: string): string {
  if (year.length === 4 && era === 'AD') return year
  // The year before 1 AD is 1 BC for a formatter and 0 in ISO 8601. Not Date.UTC, which reads 99 as 1999.
  const isoNumber = era === 'AD' ? Number(year) : 1 - Number(year)
  return isoDay(new Date(0).setUTCFullYear(isoNumber)).slice(0, -'-01-01'.length)
}

function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, -'T00:00:00.000Z'.length)
}

/** Seconds as minutes, rounded. */
export function toMinutes(seconds: number): number {
  return Math.round(seconds / 60)
}
