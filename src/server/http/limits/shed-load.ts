import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import type { ApiError } from '../../errors.ts'
import { announcedSize } from '../bodies/announced-size.ts'
import { SMALL_BYTES } from './memory-budget.ts'

declare module 'fastify' {
  interface FastifyReply {
    /** The request was refused by `shedLoad`. */
    isShed: boolean
  }
}

/** The paths of the routes behind `admission`. */
const NEEDS_DATABASE = /^\/(?:api|v0)\//

/**
 * Refuses requests that the queue for the database cannot hold, before anything else is done for them. In an
 * overload most requests are refused, and what each of them costs is lost for those that are accepted. So it writes the
 * answer itself, without the hooks and serializers of Fastify, which would cost more than the refusal. `admission`
 * decides about requests with large bodies, and with tokens that have yet to be verified.
 */
async function shedLoad(app: FastifyInstance, { config }: { config: Pick<Config, 'corsOrigins'> }) {
  const { loadRefusals, places } = app

  function findRefusal(request: FastifyRequest): ApiError | undefined {
    if (!places.database.isQueueFull() || !NEEDS_DATABASE.test(request.url)) return undefined
    if (announcedSize(request.headers) > SMALL_BYTES) return undefined
    const user = app.findVerified(request)
    return user === undefined ? undefined : places.database.findRefusal(user)
  }

  app.decorateReply('isShed', false)
  app.addHook('onRequest', (request, reply, done) => {
    const refusal = findRefusal(request)
    if (!refusal) return done()
    reply.hijack()
    reply.isShed = true
    reply.isLogSuppressed = !loadRefusals.add(refusal)
    if (!reply.isLogSuppressed) request.log.info({ code: refusal.code }, 'request refused')
    loadRefusals.holdBack(() => send(refusal, request, reply))
  })

  function send(
    refusal: ApiError,
    { id, headers: { origin }, raw: { socket } }: FastifyRequest,
    { raw }: FastifyReply
  ) {
    app.limitAnswer(socket)
    const body = JSON.stringify(refusal.toProblem())
    raw
      .writeHead(refusal.statusCode, {
        'content-type': 'application/problem+json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        'retry-after': String(refusal.retryAfter),
        'x-content-type-options': 'nosniff',
        'x-request-id': id,
        vary: 'Origin',
        ...(app.isDraining && { connection: 'close' }),
        ...(origin !== undefined &&
          config.corsOrigins.includes(origin) && {
            'access-control-allow-origin': origin,
            'access-control-expose-headers': 'Retry-After, X-Request-Id'
          })
      })
      .end(body)
  }
}

export default fp(shedLoad, {
  name: 'shed-load',
  dependencies: ['auth', 'drain-connections', 'limit-write-stalls', 'places', 'problem-details']
})
