import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Fastify's `genReqId`: takes the id from `x-request-id` if it has 1 to 64 letters, digits, `_` or `-`;
 * otherwise creates one.
 */
export const generateRequestId = ({ headers }: { headers: IncomingHttpHeaders }) => {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
}

/** Sends the id of each request back in `x-request-id`. */
async function requestId(app: FastifyInstance) {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
}

export default fp(requestId, { name: 'request-id' })
