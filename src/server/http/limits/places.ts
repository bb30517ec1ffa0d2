import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { createFairLimiter, type FairLimiter } from './fair-limiter.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Places of the requests in work: those that need the database alone, and those that wait for the storage. */
    places: Record<'database' | 'storage', FairLimiter>
  }
}

const REFUSAL = 'The server has too much to do at this moment. Retry shortly.'

/** The places that `admission` gives to requests. */
async function places(app: FastifyInstance, { config }: { config: Pick<Config, 'database'> }) {
  const { poolSize } = config.database
  const queue = { maxWaiting: 128, waitMs: 5000, refusal: REFUSAL }
  app.decorate('places', {
    // Half of the places keep the database busy while the others parse and serialise.
    database: createFairLimiter({ ...queue, count: 2 * poolSize, perUser: poolSize }),
    storage: createFairLimiter({ ...queue, count: 256, perUser: 64 })
  })
}

export default fp(places, { name: 'places' })
