import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whether the server is about to close: a balancer shall send its requests elsewhere. */
    readonly isDraining: boolean
    /**
     * Begins to drain, and goes on accepting requests for `delayMs`, until every balancer has noticed. Close the
     * app afterwards.
     */
    drain: (delayMs: number) => Promise<void>
  }
}

/**
 * Closes each connection after its current answer once the server is draining or closing. Otherwise a client that keeps
 * its connection alive would hold the process until the platform kills it. `createLimitedServer` closes idle ones.
 */
async function drainConnections(app: FastifyInstance) {
  let isDraining = false

  app.decorate('isDraining', { getter: () => isDraining })
  app.decorate('drain', async (delayMs: number) => {
    isDraining = true
    if (delayMs > 0) await sleep(delayMs)
  })
  app.addHook('preClose', async () => {
    isDraining = true
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isDraining) reply.header('connection', 'close')
    done()
  })
  // For an answer whose headers were sent before draining began. An injected request has no socket.
  app.addHook('onResponse', (request, _reply, done) => {
    const { socket } = request.raw
    if (isDraining && socket instanceof Socket) socket.end()
    done()
  })
}

export default fp(drainConnections, { name: 'drain-connections' })
