/**
 * Calendar days of a user. A "day" is a `YYYY-MM-DD` string, the local date of the user. Days carry no time zone;
 * only `localDay` needs one. Years outside 0–9999 are written as `Date` writes them, with a sign and six digits
 * (`+012345-01-01`).
 */

const DAY_MS = 86_400_000
const DAYS_OF_A_WEEK = 7

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

/** Cache of one week: almost every request asks for the current one. */
let lastWeek: { day: string; days: readonly string[] } | undefined

/** The seven days, Monday to Sunday, of the ISO week that contains `day`. */
export function weekOf(day: string): readonly string[] {
  if (lastWeek?.day !== day) lastWeek = { day, days: daysOfWeek(day) }
  return lastWeek.days
}

function daysOfWeek(day: string): string[] {
  const time = Date.parse(day)
  const daysSinceMonday = (new Date(time).getUTCDay() + 6) % 7
  return Array.from({ length: DAYS_OF_A_WEEK }, (_, index) =>
    isoDay(time + (index - daysSinceMonday) * DAY_MS)
  )
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
