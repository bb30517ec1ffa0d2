import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createSpread } from '../limits/spread-work.ts'

/** Requests of one connection that are handled at the same time. More than one needs pipelining (RFC 9112, 9.3.2). */
const MAX_RUNNING = 8
/** Requests of one connection that wait for their turn. Node.js reads hundreds of small ones at once. */
const MAX_WAITING = 100
/** Pipelined requests of all connections together, the first of each not counted. One costs up to 15 kB. */
const MAX_PIPELINED = 1000
/** New connections whose requests begin in one turn of the event loop. */
const NEW_PER_TURN = 3

type Pipeline = {
  /** Its first request has not begun. */
  isNew: boolean
  running: Set<ServerResponse>
  waiting: Array<() => void>
  /** Its requests beyond the first. */
  pipelined: number
}

/**
 * Handles a few requests of each connection at a time and lets some more wait. A client that sends still more loses its
 * connection. So does a client that pipelines while all connections together have too many pipelined requests. Each
 * request costs memory until its answer has left.
 *
 * The first requests of many new connections are spread over turns of the event loop, so that those of known ones are
 * answered between them.
 */
export function createPipelines(handle: RequestListener) {
  const pipelines = new Map<Socket, Pipeline>()
  let pipelinedByAll = 0
  const spread = createSpread(NEW_PER_TURN)

  function updatePipelined(pipeline: Pipeline) {
    const before = pipeline.pipelined
    pipeline.pipelined = Math.max(0, pipeline.running.size + pipeline.waiting.length - 1)
    pipelinedByAll += pipeline.pipelined - before
  }

  function add(socket: Socket) {
    const pipeline: Pipeline = { isNew: true, running: new Set(), waiting: [], pipelined: 0 }
    pipelines.set(socket, pipeline)
    socket.once('close', () => {
      pipelines.delete(socket)
      pipeline.waiting = []
      updatePipelined(pipeline)
      setImmediate(closeAll, pipeline.running)
    })
  }

  function run(pipeline: Pipeline, request: IncomingMessage, response: ServerResponse) {
    pipeline.running.add(response)
    response.once('close', () => {
      pipeline.running.delete(response)
      if (request.socket.destroyed) request.destroy()
      else pipeline.waiting.shift()?.()
      updatePipelined(pipeline)
    })
    handle(request, response)
  }

  function begin(socket: Socket, pipeline: Pipeline) {
    if (socket.destroyed) return
    pipeline.isNew = false
    for (const start of pipeline.waiting.splice(0, MAX_RUNNING)) start()
    updatePipelined(pipeline)
  }

  return {
    /** Adds a connection that was accepted. */
    add,

    /** Handles a request of an added connection when its turn comes, or closes the connection. */
    handle: (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request
      const pipeline = pipelines.get(socket)
      if (!pipeline) return // its connection is closed
      const { isNew, running, waiting } = pipeline
      const before = running.size + waiting.length
      if (isNew && before === 0) spread(() => begin(socket, pipeline))
      if (before > 0 && pipelinedByAll >= MAX_PIPELINED) socket.destroy()
      else if (running.size < MAX_RUNNING && !isNew) run(pipeline, request, response)
      else if (before < MAX_RUNNING + MAX_WAITING) waiting.push(() => run(pipeline, request, response))
      else socket.destroy()
      updatePipelined(pipeline)
    },

    /** Closes the connections without a request. */
    closeIdle: () => {
      for (const [socket, { running, waiting }] of pipelines) {
        if (running.size + waiting.length === 0) socket.destroy()
      }
    }
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
