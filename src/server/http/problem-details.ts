import { Type, type TRef } from '@sinclair/typebox'
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError
} from 'fastify'
import fp from 'fastify-plugin'
import { problems, ProblemSchema, type Problem, type ProblemCode } from '../../contract/problem.ts'
import { ApiError, invalidInput } from '../errors.ts'

/** Every error leaves as RFC 9457 `application/problem+json`, from the one catalogue. */
async function problemDetails(app: FastifyInstance) {
  app.addSchema(ProblemSchema)
  app.setErrorHandler<FastifyError>(answerWithProblem)
  app.setNotFoundHandler(answerNotFound)
}

export const answerNotFound = (request: FastifyRequest, reply: FastifyReply) =>
  sendProblem(new ApiError('route_not_found', 'Look at /docs for the routes there are.'), request, reply)

/** Also for what fails before a route is found. */
export const answerWithProblem = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
  sendProblem(toApiError(error), request, reply)

function sendProblem(error: ApiError, request: FastifyRequest, reply: FastifyReply) {
  if (error.statusCode >= 500) request.log.error({ err: error }, error.code)
  else request.log.info({ code: error.code }, 'refused')
  if (error.statusCode === 401) {
    reply.header(
      'www-authenticate',
      error.code === 'missing_token' ? 'Bearer' : 'Bearer error="invalid_token"'
    )
  }
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
  // Serialised here: a route's response schema must not decide what an error looks like.
  return reply
    .code(error.statusCode)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(error.toProblem() satisfies Problem)
}

const UNREADABLE_PATH = new Set(['FST_ERR_BAD_URL', 'FST_ERR_MAX_PARAM_LENGTH'])

function toApiError(error: FastifyError): ApiError {
  if (error instanceof ApiError) return error
  if (error.validation) return describeInvalid(error.validation, error.validationContext)
  if (UNREADABLE_PATH.has(error.code)) {
    return invalidInput('path', 'must be percent-encoded UTF-8, and its id a UUID')
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ApiError(
      'body_too_large',
      'Send a smaller body; a recording counts with a third more than its bytes.'
    )
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new ApiError('unsupported_media_type', 'Send the body as application/json.')
  }
  if (error.code?.startsWith('FST_ERR_CTP_') || error.statusCode === 400) {
    return new ApiError('malformed_body', 'Send a body of well-formed JSON, whole, as application/json.', {
      cause: error
    })
  }
  return new ApiError(
    'internal_error',
    'The fault is ours. Try again; if it stays, tell us the x-request-id.',
    { cause: error }
  )
}

type ValidationError = FastifySchemaValidationError & { parentSchema?: { description?: string } }

function describeInvalid(faults: ValidationError[], context = 'body'): ApiError {
  // Of alternatives that all failed, the one that got furthest is what was meant.
  const fault = faults.reduce((best, next) => (progress(next) > progress(best) ? next : best))
  const missing = fault.keyword === 'required' ? `/${String(fault.params['missingProperty'])}` : ''
  const path = `${fault.instancePath}${missing}` || context
  return invalidInput(context === 'body' ? path : path.replace(/^\//, ''), describeFault(fault))
}

// Deeper is further; in one place, a value of the right type is further than the union, and that than a wrong type.
const progress = ({ instancePath, keyword }: ValidationError) =>
  instancePath.length * 3 + (keyword === 'type' ? 0 : keyword === 'anyOf' ? 1 : 2)

function describeFault({ keyword, message, parentSchema }: ValidationError): string {
  if (keyword === 'required') return 'is missing'
  if (['pattern', 'format', 'not', 'anyOf'].includes(keyword) && parentSchema?.description) {
    return `must be ${parentSchema.description}`
  }
  return message ?? 'is not valid'
}

/**
 * The error responses of a route for its OpenAPI description: those named, and what every authenticated route can
 * answer.
 */
export function problemResponses(...codes: ProblemCode[]) {
  const all: ProblemCode[] = [
    ...codes,
    'missing_token',
    'invalid_token',
    'internal_error',
    'database_unavailable',
    'issuer_unavailable'
  ]
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
    ...(status === 503 && { headers: { 'Retry-After': { type: 'string', description: 'Seconds' } } }),
    description: codes.map((code) => `\`${code}\`: ${problems[code][1]}`).join('; '),
    content: { 'application/problem+json': { schema: Type.Ref('Problem'), examples } }
  }
}

export default fp(problemDetails, { name: 'problem-details' })
