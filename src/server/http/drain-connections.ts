import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Closes each connection after its current answer once the server is closing. Otherwise a client's keep-alive
 * connection would hold the process until the platform kills it.
 */
async function drainConnections(app: FastifyInstance) {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
  // For an answer whose headers were sent before closing began. An injected request has no socket.
  app.addHook('onResponse', async ({ raw: { socket } }) => {
    if (isClosing && socket instanceof Socket) socket.end()
  })
}

export default fp(drainConnections, { name: 'drain-connections' })
