import type { FaultCode } from '../../contract/readiness.ts'
import { ConfigurationFault } from '../errors.ts'

type Refusal = [code: FaultCode, what: string, remedy: string]

const LOGIN: Refusal = [
  'database_refused',
  'PostgreSQL refuses the user or the password of DATABASE_URL',
  'correct them'
]
const MISSING: Refusal = [
  'migrations_pending',
  'The database lacks a table or a schema',
  'run npm run db:deploy, and see /readyz'
]

/** What somebody has to correct, by SQLSTATE (PostgreSQL manual, appendix A). */
const REFUSALS: Record<string, Refusal> = {
  '28000': LOGIN,
  '28P01': LOGIN,
  '3D000': [
    'database_refused',
    'The database of DATABASE_URL does not exist',
    'create it or correct the name'
  ],
  '42501': [
    'role_not_owner',
    'The role of DATABASE_URL may not run a statement',
    'connect as the owner of the tables'
  ],
  '42P01': MISSING,
  '3F000': MISSING,
  '22P05': [
    'encoding_not_utf8',
    'The encoding of the database lacks a character',
    'move to a database with ENCODING UTF8'
  ]
}

/**
 * The fault that an SQLSTATE shows, with what to change.
 * @param state as PostgreSQL sent it
 * @returns undefined when a repetition may succeed, or when the statement itself is wrong
 */
export function toConfigurationFault(
  state: string | undefined,
  cause: unknown
): ConfigurationFault | undefined {
  const refusal = REFUSALS[state ?? '']
  if (!refusal) return undefined
  const [code, what, remedy] = refusal
  return new ConfigurationFault(code, `${what} (SQLSTATE ${state}): ${remedy}`, { cause })
}
