import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Limits an answer that is sent without the hooks of Fastify. Call it before the answer is sent. */
    limitAnswer: (socket: Socket) => void
  }
}

/**
 * Closes the connection of a client that takes no byte of its answer for `stallMs` milliseconds. The time
 * limit of a socket starts again while a write makes progress; Node.js replaces it when the answer has left.
 */
async function limitWriteStalls(app: FastifyInstance, { stallMs }: { stallMs: number }) {
  app.decorate('limitAnswer', (socket) => {
    if (socket instanceof Socket) socket.setTimeout(stallMs) // an injected request has none
  })
  app.addHook('onSend', (request, _reply, _payload, done) => {
    app.limitAnswer(request.raw.socket)
    done()
  })
}

export default fp(limitWriteStalls, { name: 'limit-write-stalls' })
