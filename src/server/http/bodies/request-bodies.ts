import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorCodes, type FastifyInstance, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../../errors.ts'
import { announcedSize } from './announced-size.ts'
import { discardBody } from './discard-body.ts'

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
    const discarded = discardBody(request, reply)
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

export default fp(requestBodies, { name: 'request-bodies', dependencies: ['deadline'] })
