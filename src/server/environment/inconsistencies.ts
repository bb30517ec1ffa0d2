import { isTimeZone } from '../../contract/practice-days.ts'
import { toIssuer, toList } from './convert.ts'
import type { Environment } from './schema.ts'

/**
 * The checks that a schema cannot express.
 * @returns one sentence for each variable that fails; never its value
 */
export function findInconsistencies(values: Environment): string[] {
  const checks: Array<[name: keyof Environment, ok: boolean, problem: string]> = [
    [
      'DATABASE_URL',
      URL.canParse(values.DATABASE_URL),
      'is not a URL (characters such as @ or / in the password must be percent-encoded)'
    ],
    ['AUTH0_DOMAIN', URL.canParse(toIssuer(values.AUTH0_DOMAIN)), 'is not a domain or URL'],
    ['SUPABASE_URL', URL.canParse(values.SUPABASE_URL), 'is not a URL'],
    [
      'SUPABASE_SERVICE_ROLE_KEY',
      /^[\x21-\x7e]+$/.test(values.SUPABASE_SERVICE_ROLE_KEY),
      'has characters that a key cannot have'
    ],
    [
      'DEFAULT_TIME_ZONE',
      isTimeZone(values.DEFAULT_TIME_ZONE),
      'is not an IANA time zone such as Europe/Berlin'
    ],
    [
      'CORS_ORIGINS',
      toList(values.CORS_ORIGINS).every(isOrigin),
      'must list origins such as https://app.example.com, without a path, separated by commas'
    ]
  ]
  return checks.filter(([, ok]) => !ok).map(([name, , problem]) => `${name} ${problem}`)
}

const isOrigin = (value: string) => URL.canParse(value) && new URL(value).origin === value
