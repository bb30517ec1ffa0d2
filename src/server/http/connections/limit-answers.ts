import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Closes the connection of a client that takes no byte of its answer for `stallMs` milliseconds. The time
 * limit of a socket starts again while a write makes progress; Node.js replaces it when the answer has left.
 */
async function limitAnswers(app: FastifyInstance, { stallMs }: { stallMs: number }) {
  app.addHook('onSend', ({ raw: { socket } }, _reply, _payload, done) => {
    if (socket instanceof Socket) socket.setTimeout(stallMs) // an injected request has none
    done()
  })
}

export default fp(limitAnswers, { name: 'limit-answers' })
