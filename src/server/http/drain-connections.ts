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
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isClosing) reply.header('connection', 'close')
    done()
  })
  // For an answer whose headers were sent before closing began. An injected request has no socket.
  app.addHook('onResponse', ({ raw: { socket } }, _reply, done) => {
    if (isClosing && socket instanceof Socket) socket.end()
    done()
  })
}

export default fp(drainConnections, { name: 'drain-connections' })
