import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { createFairLimiter, type FairLimiter, type Release } from './fair-limiter.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Places of the requests in work: those that need the database alone, and those that wait for the storage. `pieces`:
     * places of answers in pieces, whose work is done but for the reading of further pieces.
     */
    places: Record<'database' | 'storage' | 'pieces', FairLimiter>
  }
  interface FastifyRequest {
    /** Gives the place of the request back, if it holds one. */
    releasePlace: Release | undefined
  }
}

const REFUSAL = 'The server has too much to do at this moment. Retry shortly.'

/**
 * Database places of one user: a page sends about three requests at once. With more, one user would delay others for
 * longer.
 */
const PER_USER = 3
/**
 * Requests that wait for the database: enough for fifty clients that send one each at once. At a thousand requests a
 * second, a full queue delays answers by 64 ms.
 */
const MAX_WAITING = 64
/** At a thousand requests a second, these delay answers by 12 ms. */
const MAX_WAITING_IN_OVERLOAD = 12
/** The memory budget bounds the number of answers in pieces. */
const MAX_WAITING_PIECES = 1000
/** Then the answer breaks off. */
const PIECE_WAIT_MS = 30_000

/**
 * The places that `admission` gives to requests. Register it before the plugins whose answers wait, for memory or for
 * the rest of a body: the work is done by then, and the place is given back.
 */
async function places(app: FastifyInstance, { config }: { config: Pick<Config, 'database'> }) {
  const { poolSize } = config.database
  const queue = { waitMs: 5000, refusal: REFUSAL }
  app.decorateRequest('releasePlace')
  app.addHook('onSend', (request, _reply, _payload, done) => {
    request.releasePlace?.()
    done()
  })
  app.decorate('places', {
    // Three quarters of the connections: more requests at a time slow each other down, and those of the storage
    // need the rest.
    database: createFairLimiter({
      ...queue,
      count: Math.ceil(0.75 * poolSize),
      perUser: PER_USER,
      maxWaiting: MAX_WAITING,
      maxWaitingInOverload: MAX_WAITING_IN_OVERLOAD
    }),
    storage: createFairLimiter({ ...queue, count: 256, perUser: 64, maxWaiting: 128 }),
    // One user with many such answers would otherwise take all connections.
    pieces: createFairLimiter({
      ...queue,
      count: Math.ceil(poolSize / 4),
      perUser: 1,
      maxWaiting: MAX_WAITING_PIECES,
      waitMs: PIECE_WAIT_MS
    })
  })
}

export default fp(places, { name: 'places' })
