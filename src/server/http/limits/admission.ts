import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { FairLimiter } from './fair-limiter.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * For routes that may wait for the object storage, which can take half a minute; a function tells it from the
     * request with its body.
     */
    waitsForStorage?: boolean | ((request: FastifyRequest) => boolean)
  }
}

/**
 * Limits the requests that are worked on at the same time, in all and for one user. Some more wait in a short
 * queue, in which users take turns. What the queue cannot hold is refused at once. A full queue of the database
 * refuses before the body is read, a full queue of the storage after it. Under too much load, answering some in time is
 * better than answering all too late. A request holds its place from the arrival of its body until its answer begins.
 * The scope needs authentication.
 */
async function admission(app: FastifyInstance) {
  const { database, storage } = app.places
  const limiterOf = (request: FastifyRequest) => (waitsForStorage(request) ? storage : database)

  // Every route needs the database.
  app.addHook('onRequest', ({ user }, _reply, done) => done(database.findRefusal(user.sub)))
  app.addHook('preHandler', (request, _reply, done) => {
    const limiter = limiterOf(request)
    request.releasePlace = limiter.tryAcquire(request.user.sub)
    if (request.releasePlace) return done()
    waitForPlace(limiter, request).then(() => done(), done)
  })
}

/** Looks at the deadline after the wait, instead of creating a signal for each request, which is slow. */
async function waitForPlace(limiter: FairLimiter, request: FastifyRequest): Promise<void> {
  request.releasePlace = await limiter.acquire(request.user.sub)
  if (!request.deadlineController?.signal.aborted) return
  request.releasePlace()
  throw request.deadlineController.signal.reason
}

function waitsForStorage(request: FastifyRequest): boolean {
  const { waitsForStorage = false } = request.routeOptions.config
  return typeof waitsForStorage === 'function' ? waitsForStorage(request) : waitsForStorage
}

export default fp(admission, { name: 'admission', dependencies: ['auth', 'places'] })
