import { sqlState } from '../database/errors.ts'
import { invalidInput } from '../errors.ts'

/**
 * Zones that PostgreSQL takes for abbreviations without daylight saving time, and the places to which the zone database
 * links them.
 */
const ABBREVIATIONS: Record<string, string> = {
  CET: 'Europe/Brussels',
  MET: 'Europe/Brussels',
  EET: 'Europe/Athens',
  WET: 'Europe/Lisbon'
}

/** The name under which the database knows an IANA time zone. */
export const toDatabaseZone = (name: string): string => ABBREVIATIONS[name.toUpperCase()] ?? name

/** SQLSTATE invalid_parameter_value (PostgreSQL manual, appendix A). */
const INVALID_PARAMETER_VALUE = '22023'

/** Turns PostgreSQL's refusal of a time zone into `invalid_input` of `field`; any other error stays. */
export const rejectUnknownZone =
  (field: string) =>
  (error: unknown): never => {
    throw sqlState(error) === INVALID_PARAMETER_VALUE
      ? invalidInput(field, 'must be an IANA time zone that the database knows, such as Europe/Berlin')
      : error
  }
