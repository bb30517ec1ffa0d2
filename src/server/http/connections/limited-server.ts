import { createServer, IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyServerOptions } from 'fastify'
import { addressKey } from '../limits/address-key.ts'
import { createPipelines } from './pipelines.ts'

/** Connections of all clients together. One costs about 10 kB. */
const MAX_CONNECTIONS = 4000

type Options = Pick<FastifyServerOptions, 'keepAliveTimeout' | 'requestTimeout'> & {
  maxConnectionsPerAddress?: number | undefined
}

/**
 * Fastify's `serverFactory`: an HTTP server whose connections have limits. When it closes, it waits only for
 * connections whose request is being answered. Node.js would wait a minute for one that has sent nothing, or
 * half a head.
 */
export function createLimitedServer(
  handle: RequestListener,
  { keepAliveTimeout = 72_000, requestTimeout = 0, maxConnectionsPerAddress }: Options
): Server {
  const pipelines = createPipelines(refuseHeaders(handle))
  const server = createServer(
    { IncomingMessage: StoppableRequest, requireHostHeader: false, keepAliveTimeout, requestTimeout },
    pipelines.handle
  )
  server.on('connection', pipelines.add)
  server.on('checkExpectation', pipelines.handle)
  // Destroying needs a listener for errors, because Node.js has removed its own: the process would end.
  server.on('upgrade', (_request, socket: Socket) => socket.on('error', () => {}).destroy())
  server.closeIdleConnections = pipelines.closeIdle // called by Fastify and `close`
  server.maxConnections = MAX_CONNECTIONS
  if (maxConnectionsPerAddress !== undefined) limitAddresses(server, maxConnectionsPerAddress)
  return server
}

/**
 * A request that stops the parser when its connection is destroyed. Node.js would go on parsing what it has read of
 * that connection: 1,700 small requests take 35 ms. The parser stops at a request for an upgrade. Therefore `upgrade`
 * is true once the connection is destroyed. Node.js creates its requests with this class.
 */
class StoppableRequest extends IncomingMessage {
  get upgrade() {
    return this.method === 'CONNECT' || this.socket.destroyed
  }

  /** Node.js assigns true for the header `Upgrade`. The server has no other protocol, so the value is ignored. */
  set upgrade(_isWanted: boolean) {}
}

/**
 * Refuses a missing `Host` and an unknown `Expect`, and closes the connection. Node.js would answer them before the
 * limits of the connection.
 */
function refuseHeaders(handle: RequestListener): RequestListener {
  return (request, response) => {
    const { host, expect } = request.headers
    const refuse = (status: number) => response.writeHead(status, { connection: 'close' }).end()
    if (host === undefined && request.httpVersion === '1.1') {
      refuse(400) // RFC 9112, section 3.2
    } else if (expect !== undefined && !/^100-continue$/i.test(expect)) {
      refuse(417) // RFC 9110, section 10.1.1
    } else handle(request, response)
  }
}

function limitAddresses(server: Server, limit: number) {
  const counts = new Map<string, number>()

  server.on('connection', (socket: Socket) => {
    const address = addressKey(socket.remoteAddress ?? '')
    const count = (counts.get(address) ?? 0) + 1
    counts.set(address, count)
    socket.once('close', () => {
      const left = (counts.get(address) ?? 0) - 1
      if (left > 0) counts.set(address, left)
      else counts.delete(address)
    })
    if (count > limit) socket.destroy()
  })
}
