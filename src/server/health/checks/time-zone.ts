import { sqlState } from '../../database/errors.ts'
import type { Inspect } from '../../database/migrations/deploy.ts'
import { ConfigurationFault } from '../../errors.ts'
import { toDatabaseZone } from '../../users/time-zones.ts'

/** SQLSTATE invalid_parameter_value (PostgreSQL manual, appendix A). */
const INVALID_PARAMETER_VALUE = '22023'

/** The database has zone data of its own, which may be older than that of Node.js. */
export async function checkTimeZone(inspect: Inspect, name: string): Promise<ConfigurationFault | undefined> {
  try {
    await inspect('SELECT now() AT TIME ZONE $1', [toDatabaseZone(name)])
    return undefined
  } catch (error) {
    if (sqlState(error) !== INVALID_PARAMETER_VALUE) throw error
    return new ConfigurationFault(
      'time_zone_unknown',
      `PostgreSQL does not know DEFAULT_TIME_ZONE (${name}): update its zone data, or choose another zone such as UTC`
    )
  }
}
