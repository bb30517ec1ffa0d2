import { isTimeZone } from '../../contract/local-day.ts'
import { toIssuer, toList } from './convert.ts'
import { describeDatabaseUrl } from './database-url.ts'
import type { Environment } from './schema.ts'
import { describeServiceKey } from './service-key.ts'

/**
 * The checks that a schema cannot express.
 * @returns one sentence for each variable that fails; never its value
 */
export function findInconsistencies(values: Environment): string[] {
  const faults: Array<[name: keyof Environment, fault: string | undefined]> = [
    ['DATABASE_URL', describeDatabaseUrl(values.DATABASE_URL)],
    [
      'METRICS_PORT',
      unless(values.METRICS_PORT !== values.PORT || values.PORT === 0, 'must be another port than PORT')
    ],
    ['AUTH0_DOMAIN', unless(URL.canParse(toIssuer(values.AUTH0_DOMAIN)), 'is not a domain or URL')],
    ['SUPABASE_URL', describeProjectUrl(values.SUPABASE_URL)],
    ['SUPABASE_SERVICE_ROLE_KEY', describeServiceKey(values.SUPABASE_SERVICE_ROLE_KEY, values.SUPABASE_URL)],
    [
      'OTEL_EXPORTER_OTLP_ENDPOINT',
      unless(URL.canParse(values.OTEL_EXPORTER_OTLP_ENDPOINT ?? 'http://none'), 'is not a URL')
    ],
    [
      'DEFAULT_TIME_ZONE',
      unless(isTimeZone(values.DEFAULT_TIME_ZONE), 'is not an IANA time zone such as Europe/Berlin')
    ],
    [
      'CORS_ORIGINS',
      unless(
        toList(values.CORS_ORIGINS).every(isOrigin),
        'must list origins such as https://app.example.com, without a path, separated by commas'
      )
    ]
  ]
  return faults.flatMap(([name, fault]) => (fault === undefined ? [] : `${name} ${fault}`))
}

const unless = (ok: boolean, fault: string) => (ok ? undefined : fault)

function describeProjectUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return 'is not a URL'
  const isApi = /\/(storage|rest|auth)\/v1\/*$/.test(new URL(value).pathname)
  return unless(!isApi, 'is the URL of an API of the project: leave out its path, such as /storage/v1')
}

const isOrigin = (value: string) => URL.canParse(value) && new URL(value).origin === value
