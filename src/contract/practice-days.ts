/**
 * Practice history as calendar days: what the weekly graph and the streak are made of.
 *
 * Server and browser both use this module, so that the same history gives the same numbers in either
 * storage mode. It therefore imports nothing and never looks at the clock: callers pass `now` or `today`.
 *
 * A "day" is a `YYYY-MM-DD` string, the date that a calendar on the user's wall shows. Days carry no time
 * zone; only `localDay` and `practiceDays` need one. Years outside 0–9999 are written as `Date` writes them,
 * with a sign and six digits (`+012345-01-01`).
 */

/** What `GET /api/stats` answers. */
export type UserStatsData = {
  /** Monday to Sunday of the week that contains today; `minutes` is that day's practice, rounded. */
  weekly_progress: { day: string; date: string; minutes: number }[]
  /** Consecutive days with practice, up to today or, while today has none, up to yesterday. */
  streak: number
  /** Minutes of all practice ever recorded, rounded once, so not the sum of the days' rounded minutes. */
  total_minutes: number
}

/** One local day of somebody's history. */
export type PracticeDay = {
  day: string
  /** The durations of all sessions dated that day, future ones included. */
  seconds: number
  /** False when every session of the day is still in the future: those do not count for the streak yet. */
  practised: boolean
}

const DAY_MS = 86_400_000
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

// Three-letter names that ICU, and so V8, takes over from old Java although IANA has no such zones. They must be
// refused: PostgreSQL reads some of them as other places (IST is Israel there and India here).
const NOT_IANA =
  /^(ACT|AET|AGT|ART|AST|BET|BST|CAT|CNT|CST|CTT|EAT|ECT|IET|IST|JST|MIT|NET|NST|PLT|PNT|PRT|PST|SST|VST|SystemV\/.*)$/i

// A formatter costs a hundred times what a formatting does. Intl ignores case, and so do the keys: only
// names that Intl knows get in, hence a caller who spells zones in every possible way cannot fill the memory.
const formatters = new Map<string, Intl.DateTimeFormat>()

/**
 * The calendar day on which `instant` falls in `timeZone`.
 *
 * @throws RangeError when the instant is an invalid Date or Intl does not know the zone (see `isTimeZone`)
 */
export function localDay(instant: Date, timeZone: string): string {
  // en-US, because its all-numeric form with an era, "11/16/2026 AD", has been the same in every engine.
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
  const daysSinceMonday = (new Date(day).getUTCDay() + 6) % 7
  return WEEKDAYS.map((_, index) => addDays(day, index - daysSinceMonday))
}

/**
 * The number of consecutive days in `days`, counted back from `today`, or from yesterday while today is missing:
 * a streak must not look broken in the morning. Order, duplicates and days after today make no difference.
 *
 * A date that a zone skipped altogether (30 December 2011 in Samoa) is a day without practice, as in SQL's calendar.
 */
export function countStreak(days: Iterable<string>, today: string): number {
  const practised = new Set(days)
  let day = practised.has(today) ? today : addDays(today, -1)
  let streak = 0
  for (; practised.has(day); day = addDays(day, -1)) streak++
  return streak
}

/** The stats of a history: exactly the body of `GET /api/stats`. Days may come in any order, and in parts. */
export function summarise(days: Iterable<PracticeDay>, today: string): UserStatsData {
  const history = [...days]
  const seconds = new Map<string, number>()
  let total = 0
  for (const entry of history) {
    seconds.set(entry.day, (seconds.get(entry.day) ?? 0) + entry.seconds)
    total += entry.seconds
  }
  return {
    weekly_progress: weekOf(today).map((date, index) => ({
      day: WEEKDAYS[index] ?? '',
      date,
      minutes: toMinutes(seconds.get(date) ?? 0)
    })),
    streak: countStreak(
      history.filter((entry) => entry.practised).map((entry) => entry.day),
      today
    ),
    total_minutes: toMinutes(total)
  }
}

/**
 * Groups sessions to the local days they are dated, in order of first appearance. A session dated after `now` adds
 * its seconds to its day but does not make that day practised.
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
 * Whether `name` is an IANA time zone that Intl knows, in any case. Offsets are not, although newer engines accept
 * `+01:00`: an offset knows nothing of summer time, so it would put day boundaries wrong for half the year.
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
  // The year before 1 AD is 1 BC to a formatter and 0 to ISO 8601. Not Date.UTC, which takes 99 for 1999.
  const isoNumber = era === 'AD' ? Number(year) : 1 - Number(year)
  return isoDay(new Date(0).setUTCFullYear(isoNumber)).slice(0, -'-01-01'.length)
}

function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, -'T00:00:00.000Z'.length)
}

function toMinutes(seconds: number): number {
  return Math.round(seconds / 60)
}
