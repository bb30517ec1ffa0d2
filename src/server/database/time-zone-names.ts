import { getAllTimezones } from 'countries-and-timezones'
import { isTimeZone } from '../../contract/local-day.ts'

let groups: ReadonlyMap<string, string[]> | undefined

/** The names of a zone, by any of them: the zone itself and the links to it (IANA, `backward`). */
const namesOf = (name: string) => (groups ??= groupNames()).get(name.toLowerCase()) ?? []

function groupNames(): ReadonlyMap<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const { name, aliasOf } of Object.values(getAllTimezones({ deprecated: true }))) {
    const zone = aliasOf ?? name
    groups.set(zone, [...(groups.get(zone) ?? [zone]), ...(aliasOf ? [name] : [])])
  }
  return new Map([...groups.values()].flatMap((names) => names.map((name) => [name.toLowerCase(), names])))
}

/**
 * The names under which a database may know a zone: its own, then those of the zone to which it is linked.
 * None for what is no IANA name. PostgreSQL knows links or not, and new names or not, depending on the zone
 * data of its machine.
 */
export function namesForZone(name: string): string[] {
  if (!isTimeZone(name)) return name.includes('/') ? [name] : [] // perhaps newer than the data of this Node.js
  const names = namesOf(name)
  const own = names.find((known) => known.toLowerCase() === name.toLowerCase()) ?? name
  return [...new Set([own, ...names])]
}

/** The 15th of each month of a year: enough to tell zones with different rules apart. */
export const SAMPLES = Array.from(
  { length: 12 },
  (_, month) => new Date(Date.UTC(new Date().getUTCFullYear(), month, 15, 12))
)

/** Minutes from UTC at each sample; undefined for a zone that Intl does not know. */
export function offsetsOf(zone: string): number[] | undefined {
  if (!isTimeZone(zone)) return undefined
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
  return SAMPLES.map((time) => {
    const offset = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d\d):(\d\d)/.exec(offset) ?? []
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  })
}

/** Other zones with the same clock this year, those of the same region first. */
export function zonesWithClockOf(zone: string): string[] {
  const wanted = String(offsetsOf(zone))
  const region = zone.split('/', 1)[0]
  return Intl.supportedValuesOf('timeZone')
    .filter((name) => String(offsetsOf(name)) === wanted)
    .sort((a, b) => Number(b.startsWith(`${region}/`)) - Number(a.startsWith(`${region}/`)))
}
