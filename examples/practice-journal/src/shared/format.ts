/** Formats dates and durations in the browser's time zone, with its order of day and month and its clock. */

const { timeZone, locale: browserLocale } = Intl.DateTimeFormat().resolvedOptions()
const { hourCycle = 'h23' } = new Intl.DateTimeFormat(browserLocale, { hour: 'numeric' }).resolvedOptions()
// The page is in English, so the names of days and months are as well.
const LOCALE = browserLocale.startsWith('en') ? browserLocale : 'en-GB'

// Created once: a history has thousands of dates.
const isoDay = new Intl.DateTimeFormat('sv-SE')
const clock = new Intl.DateTimeFormat(LOCALE, {
  hour: hourCycle === 'h23' ? '2-digit' : 'numeric',
  minute: '2-digit',
  hourCycle
})
const day = new Intl.DateTimeFormat(LOCALE, { weekday: 'long', day: 'numeric', month: 'long' })
const dayWithYear = new Intl.DateTimeFormat(LOCALE, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric'
})

export const timeZoneName = timeZone.replaceAll('_', ' ')

/** `1:05`, or `1:02:03`. */
export function formatClock(seconds: number): string {
  const whole = Math.floor(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map(
    String
  ) as [string, string, string]
  return hours === '0'
    ? `${minutes}:${rest.padStart(2, '0')}`
    : `${hours}:${minutes.padStart(2, '0')}:${rest.padStart(2, '0')}`
}

/** `45 s`, `21 min`, `1 h 5 min`, or, above a day, `1,204 h`. */
export function formatDuration(seconds: number): string {
  if (seconds > 0 && seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  if (minutes > 24 * 60) return `${Math.round(minutes / 60).toLocaleString(LOCALE)} h`
  return [`${Math.floor(minutes / 60)} h`, minutes % 60 && `${minutes % 60} min`].filter(Boolean).join(' ')
}

/** `0 kB`, `36 kB`, `4.2 MB`, `100 GB`. */
export function formatBytes(bytes: number): string {
  const [unit, size] =
    bytes < 1e6 ? (['kB', 1e3] as const) : bytes < 1e9 ? (['MB', 1e6] as const) : (['GB', 1e9] as const)
  const value = bytes / size
  return `${value.toLocaleString(LOCALE, { maximumFractionDigits: value < 10 ? 1 : 0 })} ${unit}`
}

export function timeOfDay(date: string): string {
  return format(date, clock)
}

/** The local day: `2026-11-22`. */
export function dayOf(date: string | Date): string {
  return isoDay.format(new Date(date))
}

/** `Today`, `Yesterday`, `Monday 16 November`, with the year if it is not the current one. */
export function dayName(date: string, now = new Date()): string {
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1)
  if (dayOf(date) === dayOf(now)) return 'Today'
  if (dayOf(date) === dayOf(yesterday)) return 'Yesterday'
  const thisYear = new Date(date).getFullYear() === now.getFullYear()
  return format(date, thisYear ? day : dayWithYear)
}

export const countSessions = (count: number): string => (count === 1 ? '1 session' : `${count} sessions`)

/** `14:05`, or with the day if that is not today: `Yesterday, 14:05`. */
export function timeOf(date: Date): string {
  const [day, time] = [dayName(date.toISOString()), timeOfDay(date.toISOString())]
  return day === 'Today' ? time : `${day}, ${time}`
}

/** Converts to the value of `<input type="datetime-local">`; `fromLocalInput` converts back. */
export function toLocalInput(date: string): string {
  return `${dayOf(date)}T${new Date(date).toLocaleTimeString('sv-SE', { timeStyle: 'short' })}`
}

export function fromLocalInput(value: string): string {
  return new Date(value).toISOString()
}

function format(date: string, formatter: Intl.DateTimeFormat): string {
  const time = new Date(date)
  return Number.isNaN(time.getTime()) ? date : formatter.format(time)
}
