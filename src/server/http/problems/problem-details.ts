import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ProblemSchema, type Problem } from '../../../contract/problem.ts'
import type { ApiError } from '../../errors.ts'
import { routeNotFound } from './unknown-routes.ts'
import { toApiError } from './to-api-error.ts'

/**
 * Sends every error as RFC 9457 `application/problem+json`, with a code from the catalogue in
 * `contract/problem.ts`.
 */
async function problemDetails(app: FastifyInstance) {
  app.addSchema(ProblemSchema)
  app.setErrorHandler<FastifyError>(answerWithProblem)
  app.setNotFoundHandler(answerNotFound)
}

/** Answers a request for which there is no route. */
const answerNotFound = (request: FastifyRequest, reply: FastifyReply) =>
  sendProblem(routeNotFound(), request, reply)

/** Fastify's error handler. It also handles errors that occur before a route is found. */
export const answerWithProblem = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
  sendProblem(toApiError(error), request, reply)

function sendProblem(error: ApiError, request: FastifyRequest, reply: FastifyReply) {
  if (error.statusCode >= 500) request.log.error({ err: error }, error.code)
  else request.log.info(describeRefusal(error), 'request refused')
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

const describeRefusal = ({ code, reason, cause }: ApiError) => ({
  code,
  ...(reason !== undefined && { reason }),
  ...(cause !== undefined && { err: cause })
})

/** RFC 6750, section 3: a request without a token gets no error code. */
const challenge = ({ code, message }: ApiError) =>
  code === 'missing_token' ? 'Bearer' : `Bearer error="invalid_token", error_description="${message}"`

export default fp(problemDetails, { name: 'problem-details' })
