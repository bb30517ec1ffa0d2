import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { createFairLimiter, type Release } from './fair-limiter.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** For routes that may wait for the object storage, which can take half a minute. */
    waitsForStorage?: boolean
  }
  interface FastifyRequest {
    releasePlace: Release | undefined
  }
}

const REFUSAL = 'The server has too much to do at this moment. Retry shortly.'

/**
 * Limits the requests that are worked on at the same time, in all and for one user. Some more wait in a short
 * queue, in which users take turns; what the queue cannot hold is refused at once. Under too much load,
 * answering some in time is better than answering all too late. A request holds its place from the arrival of
 * its body until its answer begins. The scope needs authentication.
 */
async function admission(app: FastifyInstance, { config }: { config: Pick<Config, 'database'> }) {
  const { poolSize } = config.database
  const queue = { maxWaiting: 128, waitMs: 5000, refusal: REFUSAL }
  // Half of the places keep the database busy while the others parse and serialise.
  const forDatabase = createFairLimiter({ ...queue, count: 2 * poolSize, perUser: poolSize })
  const forStorage = createFairLimiter({ ...queue, count: 256, perUser: 64 })

  app.decorateRequest('releasePlace')
  app.addHook('preHandler', async (request) => {
    const limiter = request.routeOptions.config.waitsForStorage ? forStorage : forDatabase
    request.releasePlace =
      limiter.tryAcquire(request.user.sub) ?? (await limiter.acquire(request.user.sub, request.deadline))
  })
  app.addHook('onSend', (request, _reply, _payload, done) => {
    request.releasePlace?.()
    done()
  })
}

export default fp(admission, { name: 'admission', dependencies: ['auth'] })
