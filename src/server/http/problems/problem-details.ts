import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ProblemSchema, type Problem } from '../../../contract/problem.ts'
import type { ApiError } from '../../errors.ts'
import { createLoadRefusals, isForLoad, type LoadRefusals } from './load-refusals.ts'
import { routeNotFound } from './unknown-routes.ts'
import { toApiError } from './to-api-error.ts'

declare module 'fastify' {
  interface FastifyInstance {
    loadRefusals: LoadRefusals
  }
  interface FastifyReply {
    /** The log counts this answer together with others, instead of a line for each. */
    isLogSuppressed: boolean
  }
}

/**
 * Sends every error as RFC 9457 `application/problem+json`, with a code from the catalogue in
 * `contract/problem.ts`.
 */
async function problemDetails(app: FastifyInstance) {
  const loadRefusals = createLoadRefusals(app.log)
  app.decorate('loadRefusals', loadRefusals)
  app.addSchema(ProblemSchema)
  app.decorateReply('isLogSuppressed', false)
  app.setNotFoundHandler(answerNotFound)
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = toApiError(error)
    if (!isForLoad(problem)) return sendProblem(problem, request, reply)
    reply.isLogSuppressed = !loadRefusals.add(problem)
    loadRefusals.holdBack(() => {
      if (!reply.sent && !reply.raw.headersSent) sendProblem(problem, request, reply) // its deadline may have passed
    })
  })
}

/** Answers a request for which there is no route. */
const answerNotFound = (request: FastifyRequest, reply: FastifyReply) =>
  sendProblem(routeNotFound(), request, reply)

/** Fastify's handler of errors that occur before a route is found. */
export const answerWithProblem = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
  sendProblem(toApiError(error), request, reply)

/** Headers that were set for the intended answer. They do not describe the problem. */
const HEADERS_OF_ANSWER = ['content-encoding', 'etag', 'location']

function sendProblem(error: ApiError, request: FastifyRequest, reply: FastifyReply) {
  if (!reply.isLogSuppressed) logProblem(error, request)
  removeHeadersOfAnswer(reply)
  if (error.statusCode === 401) reply.header('www-authenticate', challenge(error))
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
  reply.headers(error.headers)
  // The serializer of the route applies its response schema, which must not change a problem.
  return reply
    .code(error.statusCode)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(error.toProblem() satisfies Problem)
}

function removeHeadersOfAnswer(reply: FastifyReply) {
  for (const name of HEADERS_OF_ANSWER) {
    reply.removeHeader(name)
    if (!reply.raw.headersSent) reply.raw.removeHeader(name)
  }
  if (reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
}

function logProblem(error: ApiError, { log }: FastifyRequest) {
  if (error.statusCode < 500 || isForLoad(error)) log.info(toLogFields(error), 'request refused')
  else log.error({ err: error }, error.code)
}

const toLogFields = ({ code, reason, cause }: ApiError) => ({
  code,
  ...(reason !== undefined && { reason }),
  ...(cause !== undefined && { err: cause })
})

/** RFC 6750, section 3: a request without a token gets no error code. */
const challenge = ({ code, message }: ApiError) =>
  code === 'missing_token' ? 'Bearer' : `Bearer error="invalid_token", error_description="${message}"`

export default fp(problemDetails, { name: 'problem-details' })
