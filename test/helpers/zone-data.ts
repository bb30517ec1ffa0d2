import { getAllTimezones } from 'countries-and-timezones'

const zones = Object.values(getAllTimezones({ deprecated: true }))

/** Every name of the zone database, links included. */
export const ALL_ZONES: string[] = zones.map(({ name }) => name)

/** Links to other names, as Debian 13 leaves them out. */
export const LINKS: string[] = zones.filter(({ aliasOf }) => aliasOf).map(({ name }) => name)

/** Names that zone data of early 2018 does not have. */
export const NEW_ZONES = [
  'America/Ciudad_Juarez',
  'America/Coyhaique',
  'America/Nuuk',
  'Asia/Qostanay',
  'Europe/Kyiv',
  'Pacific/Kanton'
]
