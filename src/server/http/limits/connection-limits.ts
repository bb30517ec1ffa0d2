import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse
} from 'node:http'
import { Socket } from 'node:net'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import fp from 'fastify-plugin'

/** Requests of one connection that are handled at the same time. More than one needs pipelining (RFC 9112, 9.3.2). */
const MAX_RUNNING = 8
/** Requests of one connection that wait for their turn. Node.js reads hundreds of small ones at once. */
const MAX_WAITING = 100
/** Pipelined requests of all connections together, the first of each not counted. One costs up to 15 kB. */
const MAX_PIPELINED = 1000
/** Connections of all clients together. One costs about 10 kB. */
const MAX_CONNECTIONS = 4000
type Options = Pick<FastifyServerOptions, 'keepAliveTimeout' | 'requestTimeout'> & {
  maxConnectionsPerAddress?: number | undefined
}

/** Fastify's `serverFactory`: an HTTP server whose connections have limits. */
export function createLimitedServer(
  handle: RequestListener,
  { keepAliveTimeout = 72_000, requestTimeout = 0, maxConnectionsPerAddress }: Options
): Server {
  const listener = limitPipelining(answerUnacceptable(handle))
  const server = createServer(
    { IncomingMessage: ParserStop, requireHostHeader: false, keepAliveTimeout, requestTimeout },
    listener
  )
  server.on('checkExpectation', listener)
  // Node.js has removed its own listeners, and an error without a listener would end the process.
  server.on('upgrade', (_request, socket: Socket) => socket.on('error', () => {}).destroy())
  server.maxConnections = MAX_CONNECTIONS
  if (maxConnectionsPerAddress !== undefined) limitAddresses(server, maxConnectionsPerAddress)
  return server
}

/**
 * A request that stops the parser when its connection is destroyed. Node.js would go on parsing what it has read of
 * that connection: 1,700 small requests take 35 ms. It stops at a request for an upgrade, so a request of a destroyed
 * connection says that it is one. A class, because Node.js creates its requests with one.
 */
class ParserStop extends IncomingMessage {
  get upgrade() {
    return this.method === 'CONNECT' || this.socket.destroyed
  }

  /** Node.js assigns true for the header `Upgrade`. The server has no other protocol, so the value is ignored. */
  set upgrade(_isWanted: boolean) {}
}

/** Answers two kinds of requests as Node.js would, which answers them before the limits of the connection. */
function answerUnacceptable(handle: RequestListener): RequestListener {
  return (request, response) => {
    const { host, expect } = request.headers
    if (host === undefined && request.httpVersion === '1.1') {
      response.writeHead(400, { connection: 'close' }).end() // RFC 9112, section 3.2
    } else if (expect !== undefined && !/^100-continue$/i.test(expect)) {
      response.writeHead(417).end() // RFC 9110, section 10.1.1
    } else handle(request, response)
  }
}

type Queue = {
  running: Set<ServerResponse>
  waiting: Array<() => void>
  /** Share of this connection in the pipelined requests of all. */
  pipelined: number
}

/**
 * Handles a few requests of each connection at a time and lets some more wait. A client that sends still more loses its
 * connection. So does a client that pipelines while all connections together have too many pipelined requests. Each
 * request costs memory until its answer has left.
 */
function limitPipelining(handle: RequestListener): RequestListener {
  const queues = new WeakMap<Socket, Queue>()
  /** Pipelined requests of all connections. */
  let pipelined = 0

  function updatePipelined(queue: Queue) {
    const before = queue.pipelined
    queue.pipelined = Math.max(0, queue.running.size + queue.waiting.length - 1)
    pipelined += queue.pipelined - before
  }

  function createQueue(socket: Socket): Queue {
    const queue: Queue = { running: new Set(), waiting: [], pipelined: 0 }
    socket.once('close', () => {
      queue.waiting = []
      updatePipelined(queue)
      setImmediate(closeAll, queue.running)
    })
    queues.set(socket, queue)
    return queue
  }

  return (request, response) => {
    const { socket } = request
    const queue = queues.get(socket) ?? createQueue(socket)

    const run = () => {
      queue.running.add(response)
      response.once('close', () => {
        queue.running.delete(response)
        if (socket.destroyed) request.destroy()
        else queue.waiting.shift()?.()
        updatePipelined(queue)
      })
      handle(request, response)
    }
    if (queue.running.size > 0 && pipelined >= MAX_PIPELINED) socket.destroy()
    else if (queue.running.size < MAX_RUNNING) run()
    else if (queue.waiting.length < MAX_WAITING) queue.waiting.push(run)
    else socket.destroy()
    updatePipelined(queue)
  }
}

/** Closes the responses of a lost connection. Node.js closes some of them; which ones depends on its version. */
function closeAll(running: Set<ServerResponse>) {
  for (const response of running) response.destroy()
  setImmediate(() => running.forEach(emitClose)) // those that have not emitted it
}

/** Gives a response the state and the event that Node.js gives one whose connection is lost. */
function emitClose(response: ServerResponse) {
  Object.defineProperty(response, 'closed', { value: true }) // `pipeline` and `finished` read it
  response.emit('close')
}

function limitAddresses(server: Server, limit: number) {
  const counts = new Map<string, number>()

  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
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
