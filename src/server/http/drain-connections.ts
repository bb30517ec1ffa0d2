import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Closes each connection with its last answer once the server is closing. Otherwise a client that keeps its
 * connection alive after a save that was still running would hold the process until the platform kills it.
 */
async function lastAnswers(app: FastifyInstance) {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close')
  })
  // Where the answer had begun before. An injected request has no socket.
  app.addHook('onResponse', async ({ raw: { socket } }) => {
    if (isClosing && socket instanceof Socket) socket.end()
  })
}

export default fp(lastAnswers, { name: 'last-answers' })
