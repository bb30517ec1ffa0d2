/** Weeks, months and years of days, which are `YYYY-MM-DD` strings without a time zone. */

export type Unit = 'week' | 'month' | 'year'

export type Period = { unit: Unit; from: string; to: string }

/** Practice of one day. Days without practice may be missing. */
export type Day = { date: string; minutes: number; sessions: number }

/** One bar of the graph: a day, or in a year a month. `name` is the full name. */
export type Bar = { label: string; name: string; minutes: number; sessions: number }

const DAY_MS = 86_400_000

export function addDays(day: string, count: number): string {
  return isoDay(Date.parse(day) + count * DAY_MS)
}

/** The week from Monday to Sunday, the month or the year that contains `day`. */
export function periodOf(unit: Unit, day: string): Period {
  const date = new Date(day)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  if (unit === 'week') {
    const from = addDays(day, -((date.getUTCDay() + 6) % 7))
    return { unit, from, to: addDays(from, 6) }
  }
  return unit === 'month'
    ? { unit, from: isoDay(Date.UTC(year, month)), to: isoDay(Date.UTC(year, month + 1, 0)) }
    : { unit, from: `${year}-01-01`, to: `${year}-12-31` }
}

export function previous({ unit, from }: Period): Period {
  return periodOf(unit, addDays(from, -1))
}

export function next({ unit, to }: Period): Period {
  return periodOf(unit, addDays(to, 1))
}

/** `16 – 22 November 2026`, `November 2026`, or `2026`. */
export function titleOf({ unit, from, to }: Period): string {
  if (unit === 'year') return from.slice(0, 4)
  if (unit === 'month') return format({ month: 'long', year: 'numeric' }).format(new Date(from))
  return format({ dateStyle: 'long' }).formatRange(new Date(from), new Date(to))
}

/** The bars of a period: seven days, the days of a month, or twelve months. */
export function barsOf(period: Period, days: Day[]): Bar[] {
  const practised = new Map(days.map((day) => [day.date, day]))
  const inOrder = daysOf(period).map((date) => practised.get(date) ?? { date, minutes: 0, sessions: 0 })
  if (period.unit !== 'year') return inOrder.map((day) => dayBar(period.unit, day))
  return Array.from({ length: 12 }, (_, month) =>
    monthBar(inOrder.filter(({ date }) => Number(date.slice(5, 7)) === month + 1))
  )
}

export function daysOf({ from, to }: Period): string[] {
  const count = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1
  return Array.from({ length: count }, (_, index) => addDays(from, index))
}

function dayBar(unit: Unit, { date, ...figures }: Day): Bar {
  const time = new Date(date)
  return {
    label: unit === 'week' ? format({ weekday: 'short' }).format(time) : String(time.getUTCDate()),
    name: format({ dateStyle: 'full' }).format(time),
    ...figures
  }
}

function monthBar(days: Day[]): Bar {
  const time = new Date(days[0]!.date)
  return {
    label: format({ month: 'narrow' }).format(time),
    name: format({ month: 'long' }).format(time),
    minutes: days.reduce((sum, { minutes }) => sum + minutes, 0),
    sessions: days.reduce((sum, { sessions }) => sum + sessions, 0)
  }
}

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' })
}

function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
