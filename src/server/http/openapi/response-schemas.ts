import { Type, type TRef, type TSchema } from '@sinclair/typebox'
import { problems, type ProblemCode } from '../../../contract/problem.ts'
import { ApiError, invalidInput } from '../../errors.ts'
import { exampleDetails } from './problem-examples.ts'

/** Errors of every route: Node.js reads the headers before a route is found. */
const EVERYWHERE: ProblemCode[] = ['headers_too_large']

/** Errors of every authenticated route. */
const COMMON: ProblemCode[] = [
  'missing_token',
  'invalid_token',
  'blocked',
  'too_many_requests',
  'internal_error',
  'server_busy',
  'database_unavailable',
  'issuer_unavailable'
]

/** The example of invalid input for routes of one session. */
export const INVALID_ID = invalidInput('id', 'must be a UUID such as 3f0c3f5e-6f5c-4d0e-9d9c-0c8f8a3b2a11')

/** A code, or an error that is a better example of its code than the usual one. */
type Example = ProblemCode | ApiError

/**
 * The error responses of an authenticated route for OpenAPI: those in `examples` and the common ones, by
 * status.
 */
export const problemResponses = (...examples: Example[]) =>
  describeResponses([...examples, ...COMMON, ...EVERYWHERE])

/** The error responses of a route without authentication. */
export const openProblemResponses = () => describeResponses(EVERYWHERE)

function describeResponses(examples: Example[]) {
  const all = examples.map(toError)
  const errors = all.filter((error, at) => all.findIndex(({ code }) => code === error.code) === at)
  const statuses = new Set(errors.map(({ statusCode }) => statusCode))
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      describeResponse(errors.filter(({ statusCode }) => statusCode === status))
    ])
  ) as unknown as Record<`${4 | 5}xx`, TRef>
}

const toError = (example: Example) =>
  typeof example === 'string' ? new ApiError(example, exampleDetails[example], errorsOf(example)) : example

/** Invalid input names the field. */
const errorsOf = (code: ProblemCode) =>
  code === 'invalid_input' ? { errors: [{ path: '/songName', message: 'is missing' }] } : {}

function describeResponse(errors: ApiError[]) {
  const status = errors[0]?.statusCode
  return {
    ...(status === 401 && { headers: { 'WWW-Authenticate': { type: 'string', description: 'RFC 6750' } } }),
    ...((status === 429 || status === 503) && {
      headers: { 'Retry-After': { type: 'string', description: 'Seconds' } }
    }),
    description: errors.map(({ code }) => `\`${code}\`: ${problems[code][1]}`).join('; '),
    content: {
      'application/problem+json': {
        schema: Type.Ref('Problem'),
        examples: Object.fromEntries(errors.map((error) => [error.code, { value: error.toProblem() }]))
      }
    }
  }
}

/** Describes a response beside its schema, where @fastify/swagger reads it. Validation ignores it. */
export const describedAs = <T extends TSchema>(description: string, schema: T): T => ({
  ...schema,
  'x-response-description': description
})

/** For JSON that is sent as a string or a stream. */
export const JSON_TYPE = 'application/json; charset=utf-8'

/** The answer to a conditional read whose client has the current version. */
export const NOT_MODIFIED = Type.Null({ description: 'The version of `If-None-Match` is the current one' })

/** Adds a response header to a response schema, where @fastify/swagger reads it. Validation ignores it. */
export const withHeader = <T extends TSchema>(schema: T, name: string, description: string): T => ({
  ...schema,
  headers: { ...schema['headers'], [name]: { type: 'string', description } }
})
