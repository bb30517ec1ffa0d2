import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/** Fastify's `genReqId`: takes the id of a proxy from `x-request-id` if it is harmless, else creates one. */
export const generateRequestId = ({ headers }: { headers: IncomingHttpHeaders }) => {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
}

/** Sends the id of each request back in `x-request-id`. */
async function requestId(app: FastifyInstance) {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
}

export default fp(requestId, { name: 'request-id' })
