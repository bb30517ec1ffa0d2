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

/** Database places of one user: what a page asks for at once. More would make others wait for as many. */
const PER_USER = 3
/**
 * Requests that wait for the database. Fifty pages that load at once need fewer; more would make all answers late,
 * by a tenth of a second where a thousand requests a second are answered.
 */
const MAX_WAITING = 64

/** The places that `admission` gives to requests. */
async function places(app: FastifyInstance, { config }: { config: Pick<Config, 'database'> }) {
  const { poolSize } = config.database
  const queue = { waitMs: 5000, refusal: REFUSAL }
  app.decorate('places', {
    // More would not be done sooner, and each would take longer. The other connections serve those of the storage.
    database: createFairLimiter({
      ...queue,
      count: Math.ceil(0.75 * poolSize),
      perUser: PER_USER,
      maxWaiting: MAX_WAITING
    }),
    storage: createFairLimiter({ ...queue, count: 256, perUser: 64, maxWaiting: 128 })
  })
}

export default fp(places, { name: 'places' })
