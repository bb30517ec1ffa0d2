import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorCodes, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../../errors.ts'
import { createSpread } from '../limits/spread-work.ts'
import { announcedSize } from './announced-size.ts'
import { BODY_TIMEOUT_MS } from '../server-options.ts'

/** All refused bodies together are discarded slowly: two pieces of up to 64 kB every two milliseconds. */
const [PIECES, PAUSE_BETWEEN_MS] = [2, 2]
const spreadReads = createSpread(PIECES, PAUSE_BETWEEN_MS)

/** Longest pause in a refused body before its connection is closed. */
const STALL_MS = 30_000

/** An answer that closes its connection is sent when nothing came for this long while the server was reading... */
const PAUSE_MS = 1000
/** ...and at the latest after this time. */
const MAX_WAIT_MS = 30_000

/**
 * Refuses bodies after authentication and before they are read: one with a Content-Encoding or over the
 * limit of its route. A client that expects `100 Continue` gets it. After a refusal the rest
 * of the body is discarded: if the connection were closed, a client that is still sending would not see the
 * answer.
 */
async function requestBodies(app: FastifyInstance) {
  const expecting = new WeakSet<IncomingMessage>()

  // Without this listener Node.js sends `100 Continue` to everybody.
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    expecting.add(request)
    app.server.emit('request', request, response) // with the limits of its connection
  })

  app.addHook('preParsing', async (request, reply) => {
    refuseBody(request)
    if (expecting.has(request.raw)) reply.raw.writeContinue()
  })

  // `deadline` has cleared its timer before this hook, so the answer may wait for longer than the deadline.
  app.addHook('onSend', (request, reply, _payload, done) => {
    // After 408 nothing more is expected. An injected request has no `complete`.
    const isUnread = hasBody(request) && request.raw.complete === false
    if (!isUnread || reply.statusCode === 408) return done()
    const discarded = discardRest(request, reply)
    // Node.js closes such a connection with the answer. One that expects `100 Continue` has sent no body yet.
    if (reply.raw.shouldKeepAlive || expecting.has(request.raw)) return done()
    discarded.then(() => done(), done)
  })
}

function refuseBody(request: FastifyRequest) {
  if (!hasBody(request)) return
  const encoding = request.headers['content-encoding']
  if (encoding && encoding.toLowerCase() !== 'identity') throw encoded(encoding)
  const size = announcedSize(request.headers)
  if (Number.isFinite(size) && size > request.routeOptions.bodyLimit) {
    throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
  }
}

const hasBody = ({ headers }: FastifyRequest) => announcedSize(headers) > 0

/** The name is text of a client. It is repeated only if it looks like the name of a coding. */
function encoded(encoding: string) {
  const name = /^[\w.-]{1,20}$/.test(encoding) ? encoding : 'a coding'
  return new ApiError(
    'unsupported_media_type',
    `Send the body as it is, without Content-Encoding: this server does not decode ${name}.`,
    { headers: { 'accept-encoding': 'identity' } } // RFC 9110, section 15.5.16
  )
}

/**
 * Resolves when the body has ended or paused, when its connection is lost, and at the latest after `MAX_WAIT_MS`.
 * The time in which a body waits for its next read is no pause of its client.
 */
function discardRest({ raw }: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.removeHeader('connection') // Fastify closes the connection after an error in a body
  const { socket } = raw
  const isChunked = announcedSize(raw.headers) === Infinity
  if (raw.destroyed || socket.destroyed) return Promise.resolve() // the client has left
  return new Promise((resolve) => {
    const destroy = () => socket.destroy()
    const unlessWaiting = (act: () => void) => () => raw.isPaused() || act()
    const stalled = setTimeout(unlessWaiting(destroy), STALL_MS).unref()
    const pause = setTimeout(unlessWaiting(resolve), PAUSE_MS).unref()
    const timers = [
      stalled,
      pause,
      setTimeout(destroy, BODY_TIMEOUT_MS).unref(),
      setTimeout(resolve, MAX_WAIT_MS).unref()
    ]
    const end = () => {
      for (const timer of timers) clearTimeout(timer)
      socket.off('close', end)
      resolve()
    }
    const waitAgain = () => {
      stalled.refresh()
      pause.refresh()
    }
    const readOn = () => {
      waitAgain()
      raw.resume()
    }
    raw.on('data', () => {
      waitAgain()
      // Not for a chunked body: its chunks can be tiny, and Node.js would keep thousands of them while it is paused.
      if (isChunked) return
      raw.pause()
      spreadReads(readOn)
    })
    raw.once('end', end)
    socket.once('close', end) // a request that was answered emits no `close` then
    raw.resume() // at once: when the answer has left, Node.js reads at full speed what was not begun
  })
}

export default fp(requestBodies, { name: 'request-bodies', dependencies: ['deadline'] })
