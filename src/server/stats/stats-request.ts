import { isTimeZone } from '../../contract/local-day.ts'
import { invalidInput } from '../errors.ts'

/** The user, the time zone and the time of the stats. */
export type StatsRequest = {
  sub: string
  /** Zone of this answer, instead of the user's own. */
  timeZone: string | undefined
  defaultTimeZone: string
  now: Date
}

/** @throws {ApiError} invalid_input for a name that is no IANA time zone */
export function requireTimeZone(timeZone: string | undefined): void {
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw invalidInput('tz', 'must be an IANA time zone such as Europe/Berlin')
  }
}
