import { IncomingMessage, ServerResponse, type OutgoingHttpHeaders } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import helmet from 'helmet'

/**
 * Adds the security headers that helmet recommends. They are the same in every answer, so helmet computes them
 * once, instead of for each request.
 */
async function securityHeaders(app: FastifyInstance) {
  const headers = recommendedHeaders()
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
}

function recommendedHeaders(): OutgoingHttpHeaders {
  const request = new IncomingMessage(new Socket())
  const response = new ServerResponse(request)
  helmet()(request, response, (error) => {
    if (error) throw error
  })
  return response.getHeaders()
}

export default fp(securityHeaders, { name: 'security-headers' })
