import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Release } from './fair-limiter.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For routes that may wait for the object storage, which can take half a minute. */
    waitsForStorage?: boolean
  }
  interface FastifyRequest {
    releasePlace: Release | undefined
  }
}

/**
 * Limits the requests that are worked on at the same time, in all and for one user. Some more wait in a short
 * queue, in which users take turns; what the queue cannot hold is refused at once. Under too much load,
 * answering some in time is better than answering all too late. A request holds its place from the arrival of
 * its body until its answer begins. The scope needs authentication.
 */
async function admission(app: FastifyInstance) {
  app.decorateRequest('releasePlace')
  app.addHook('preHandler', async (request) => {
    const limiter = request.routeOptions.config.waitsForStorage ? app.places.storage : app.places.database
    request.releasePlace =
      limiter.tryAcquire(request.user.sub) ?? (await limiter.acquire(request.user.sub, request.deadline))
  })
  app.addHook('onSend', (request, _reply, _payload, done) => {
    request.releasePlace?.()
    done()
  })
}

export default fp(admission, { name: 'admission', dependencies: ['auth', 'places'] })
