import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
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
 * Closes each connection after its current answer once the server is draining or closing, and at once those without a
 * request when it is closing. Otherwise a client's connection would hold the process until the platform kills it: one
 * that is kept alive, or one that has sent nothing or half a head, for which Node.js waits a minute.
 */
async function drainConnections(app: FastifyInstance) {
  let isDraining = false
  let isClosing = false
  /** How many requests of each connection are being answered. */
  const running = new Map<Socket, number>()

  app.server.on('connection', (socket: Socket) => {
    if (isClosing) socket.destroy()
    running.set(socket, 0)
    socket.once('close', () => running.delete(socket))
  })

  function count({ raw: { socket } }: FastifyRequest, change: 1 | -1) {
    const before = running.get(socket)
    if (before !== undefined) running.set(socket, before + change) // an injected request has no connection
  }

  app.decorate('isDraining', { getter: () => isDraining })
  app.decorate('drain', async (delayMs: number) => {
    isDraining = true
    if (delayMs > 0) await sleep(delayMs)
  })
  app.addHook('preClose', async () => {
    isDraining = isClosing = true
    for (const [socket, requests] of running) if (requests === 0) socket.destroy()
  })
  app.addHook('onRequest', (request, _reply, done) => {
    count(request, 1)
    done()
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isDraining) reply.header('connection', 'close')
    done()
  })
  // For an answer whose headers were sent before draining began. An injected request has no socket.
  app.addHook('onResponse', (request, _reply, done) => {
    count(request, -1)
    const { socket } = request.raw
    if (isDraining && socket instanceof Socket) socket.end()
    done()
  })
}

export default fp(drainConnections, { name: 'drain-connections' })
