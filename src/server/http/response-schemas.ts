import { Type, type TRef, type TSchema } from '@sinclair/typebox'
import { problems, type ProblemCode } from '../../contract/problem.ts'
import { ApiError } from '../errors.ts'

/** Errors of every authenticated route. */
const COMMON: ProblemCode[] = [
  'missing_token',
  'invalid_token',
  'blocked',
  'too_many_requests',
  'internal_error',
  'database_unavailable',
  'issuer_unavailable'
]

/**
 * The error responses of an authenticated route for OpenAPI: those in `codes` and the common ones, by status.
 */
export function problemResponses(...codes: ProblemCode[]) {
  const all = [...codes, ...COMMON]
  const statuses = new Set(all.map((code) => problems[code][0]))
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      describeResponse(all.filter((code) => problems[code][0] === status))
    ])
  ) as unknown as Record<`${4 | 5}xx`, TRef>
}

function describeResponse(codes: ProblemCode[]) {
  const examples = Object.fromEntries(
    codes.map((code) => [code, { value: new ApiError(code, problems[code][1]).toProblem() }])
  )
  const status = problems[codes[0] ?? 'internal_error'][0]
  return {
    ...(status === 401 && { headers: { 'WWW-Authenticate': { type: 'string', description: 'RFC 6750' } } }),
    ...((status === 429 || status === 503) && {
      headers: { 'Retry-After': { type: 'string', description: 'Seconds' } }
    }),
    description: codes.map((code) => `\`${code}\`: ${problems[code][1]}`).join('; '),
    content: { 'application/problem+json': { schema: Type.Ref('Problem'), examples } }
  }
}

/** For JSON that is sent as a string or a stream. */
export const JSON_TYPE = 'application/json; charset=utf-8'

/** The answer to a conditional read whose client has the current version. */
export const NOT_MODIFIED = Type.Null({ description: 'The version of `If-None-Match` is the current one' })

/** Adds a response header to a response schema, where @fastify/swagger reads it. Validation ignores it. */
export const withHeader = <T extends TSchema>(schema: T, name: string, description: string): T => ({
  ...schema,
  headers: { [name]: { type: 'string', description } }
})
