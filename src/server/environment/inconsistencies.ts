import { isTimeZone } from '../../contract/local-day.ts'
import { toIssuer, toList } from './convert.ts'
import { describeDatabaseUrl } from './database-url.ts'
import type { Environment } from './schema.ts'
import { describeServiceKey } from './service-key.ts'

/**
 * The checks that a schema cannot express, of the variables that are given.
 * @param values those that match the schema
 * @returns one sentence for each variable that fails; never its value
 */
export function findInconsistencies(values: Partial<Environment>): string[] {
  const faults: string[] = []

  function check<Name extends keyof Environment>(
    name: Name,
    describe: (value: NonNullable<Environment[Name]>) => string | undefined
  ) {
    const value = values[name]
    const fault = value == null ? undefined : describe(value)
    if (fault !== undefined) faults.push(`${name} ${fault}`)
  }

  check('DATABASE_URL', describeDatabaseUrl)
  check('METRICS_PORT', (port) =>
    unless(port !== values.PORT || port === 0, 'must be another port than PORT')
  )
  check('AUTH0_DOMAIN', (domain) => unless(URL.canParse(toIssuer(domain)), 'is not a domain or URL'))
  check('SUPABASE_URL', describeProjectUrl)
  check('SUPABASE_SERVICE_ROLE_KEY', (key) => describeServiceKey(key, values.SUPABASE_URL))
  check('OTEL_EXPORTER_OTLP_ENDPOINT', describeCollectorUrl)
  check('DEFAULT_TIME_ZONE', (zone) =>
    unless(isTimeZone(zone), 'is not an IANA time zone such as Europe/Berlin')
  )
  check('CORS_ORIGINS', (origins) =>
    unless(
      toList(origins).every(isOrigin),
      'must list origins such as https://app.example.com, without a path, separated by commas'
    )
  )
  return faults
}

const unless = (ok: boolean, fault: string) => (ok ? undefined : fault)

function describeProjectUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return 'is not a URL'
  const isApi = /\/(storage|rest|auth)\/v1\/*$/.test(new URL(value).pathname)
  return unless(!isApi, 'is the URL of an API of the project: leave out its path, such as /storage/v1')
}

function describeCollectorUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return 'is not a URL'
  const isTracesUrl = /\/v1\/traces\/*$/.test(new URL(value).pathname)
  return unless(!isTracesUrl, 'ends in /v1/traces: leave that out, because the server adds it')
}

const isOrigin = (value: string) => URL.canParse(value) && new URL(value).origin === value
