import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { FairLimiter, Release } from './fair-limiter.ts'

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
  app.addHook('preHandler', (request, _reply, done) => {
    const limiter = request.routeOptions.config.waitsForStorage ? app.places.storage : app.places.database
    request.releasePlace = limiter.tryAcquire(request.user.sub)
    if (request.releasePlace) return done()
    waitForPlace(limiter, request).then(() => done(), done)
  })
  app.addHook('onSend', (request, _reply, _payload, done) => {
    request.releasePlace?.()
    done()
  })
}

/** The deadline is looked at afterwards: a signal for each request that waits would cost a tenth of a read. */
async function waitForPlace(limiter: FairLimiter, request: FastifyRequest): Promise<void> {
  request.releasePlace = await limiter.acquire(request.user.sub)
  if (!request.expiry?.signal.aborted) return
  request.releasePlace()
  throw request.expiry.signal.reason
}

export default fp(admission, { name: 'admission', dependencies: ['auth', 'places'] })
