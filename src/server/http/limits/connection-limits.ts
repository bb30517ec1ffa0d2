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
/** Requests of all connections together beyond the first of each. One costs up to 15 kB. */
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
  const options = { IncomingMessage: StoppingRequest, keepAliveTimeout, requestTimeout }
  const server = createServer(options, limitPipelining(handle))
  server.on('upgrade', (_request, socket) => socket.destroy())
  server.maxConnections = MAX_CONNECTIONS
  if (maxConnectionsPerAddress !== undefined) limitAddresses(server, maxConnectionsPerAddress)
  return server
}

/**
 * A request that stops the parser of its connection if that is destroyed. Node.js would parse all that it has read:
 * 35 ms for 1,700 small requests. It stops at a request for another protocol, and leaves the rest to the listeners of
 * `upgrade`.
 */
class StoppingRequest extends IncomingMessage {
  get upgrade() {
    return this.method === 'CONNECT' || this.socket.destroyed
  }

  /** Called by Node.js. True also for the header `Upgrade`, which is ignored: there is no other protocol. */
  set upgrade(_isWanted: boolean) {}
}

type Queue = {
  running: Set<ServerResponse>
  waiting: Array<() => void>
  /** How many of these `pipelined` counts. */
  counted: number
}

/**
 * Handles a few requests of each connection at a time and lets some more wait. A client that sends still more
 * loses its connection, and so does one that pipelines when too many do: each request costs memory until its answer has
 * left.
 */
function limitPipelining(handle: RequestListener): RequestListener {
  const queues = new WeakMap<Socket, Queue>()
  /** Requests beyond the first of each connection. */
  let pipelined = 0

  function count(queue: Queue) {
    const beyondFirst = Math.max(0, queue.running.size + queue.waiting.length - 1)
    pipelined += beyondFirst - queue.counted
    queue.counted = beyondFirst
  }

  return (request, response) => {
    const { socket } = request
    const queue = queues.get(socket) ?? createQueue(socket)
    queues.set(socket, queue)

    const run = () => {
      queue.running.add(response)
      response.once('close', () => {
        queue.running.delete(response)
        if (!socket.destroyed) queue.waiting.shift()?.()
        count(queue)
      })
      handle(request, response)
    }
    if (queue.running.size > 0 && pipelined >= MAX_PIPELINED) socket.destroy()
    else if (queue.running.size < MAX_RUNNING) run()
    else if (queue.waiting.length < MAX_WAITING) queue.waiting.push(run)
    else socket.destroy()
    count(queue)
  }
}

function createQueue(socket: Socket): Queue {
  const queue: Queue = { running: new Set(), waiting: [], counted: 0 }
  socket.once('close', () => {
    queue.waiting = []
    // Node.js closes the answer that is being sent; before version 24, not those that wait for their turn.
    setImmediate(() => queue.running.forEach(close))
  })
  return queue
}

/** Gives a response the state and the event that Node.js gives one whose connection is lost. */
function close(response: ServerResponse) {
  response.destroy()
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
