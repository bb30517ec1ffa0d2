import type { RunSql } from '../../database/migrations/deploy.ts'
import { namesForZone } from '../../database/time-zone-names.ts'
import { isUnknownZone } from '../../database/time-zones.ts'
import { ConfigurationFault } from '../../errors.ts'

/** The database has zone data of its own, which may be older than that of Node.js. Any name of the zone will do. */
export async function checkTimeZone(run: RunSql, name: string): Promise<ConfigurationFault | undefined> {
  for (const candidate of namesForZone(name)) {
    if (await isKnown(run, candidate)) return undefined
  }
  return new ConfigurationFault(
    'time_zone_unknown',
    `PostgreSQL does not know DEFAULT_TIME_ZONE (${name}): update its zone data, or choose another zone such as UTC`
  )
}

async function isKnown(run: RunSql, name: string): Promise<boolean> {
  try {
    await run('SELECT now() AT TIME ZONE $1', [name])
    return true
  } catch (error) {
    if (isUnknownZone(error)) return false
    throw error
  }
}
