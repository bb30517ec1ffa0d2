import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { clientGone } from '../bodies/body-errors.ts'
import { createFairLimiter, type FairLimiter, type Release } from './fair-limiter.ts'
import { isRead } from './is-read.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Places of the requests in work: those that need the database alone, and those that wait for the storage.
     * `pieces`: places for reading further pieces of an answer that is being sent.
     */
    places: Record<'database' | 'storage' | 'pieces', FairLimiter>
  }
  interface FastifyRequest {
    /** Gives the place of the request back, if it holds one. */
    releasePlace: Release | undefined
    /** Give back the places and the memory of the body, if it holds some. */
    bodyReleases: Release[] | undefined
    /**
     * Reads a further piece of the answer with a place of `pieces`. The answer to a write does not wait, so that a
     * stored change is never answered with an error for lack of a place.
     * @throws {ApiError} server_busy; the errors of `read`
     */
    readInTurn: <T>(read: () => Promise<T>) => Promise<T>
  }
}

const REFUSAL = 'The server has too much to do at this moment. Retry shortly.'

/**
 * Requests that wait for the database: enough for a hundred clients that send one each at once. At a thousand requests
 * a second, a full queue delays answers by 128 ms.
 */
const MAX_WAITING = 128
/** Shorter than the usual wait: the calls that fill the queue as an overload begins would all be answered late. */
const WAIT_MS_IN_OVERLOAD = 10
/**
 * Requests that use the database at the same time: two fifths of the connections, but at least three. With twice as
 * many, each takes twice as long, and no more are answered. Uploads and further pieces of answers use the other
 * connections.
 */
const countPlaces = (poolSize: number) => Math.min(poolSize, Math.max(3, Math.ceil(0.4 * poolSize)))

/** Fewer would let the slow storage delay the requests of a page. */
const MIN_STORAGE_PER_USER = 4
/** Answers that wait for their next piece. */
const MAX_WAITING_PIECES = 1000

/**
 * The places that `admission` gives to requests. Register it before the plugins whose answers wait, for memory or for
 * the rest of a body: the work is done by then, and the place is given back.
 */
async function places(app: FastifyInstance, { config }: { config: Pick<Config, 'database'> }) {
  const { poolSize } = config.database
  const count = countPlaces(poolSize)
  const queue = { waitMs: 5000, refusal: REFUSAL }
  app.decorateRequest('releasePlace')
  app.decorateRequest('bodyReleases')
  app.addHook('onSend', (request, _reply, _payload, done) => {
    request.releasePlace?.()
    for (const release of request.bodyReleases ?? []) release()
    done()
  })
  const limiters = {
    database: createFairLimiter({
      ...queue,
      count,
      perUser: Math.ceil(count / 2),
      maxWaiting: MAX_WAITING,
      waitMsInOverload: WAIT_MS_IN_OVERLOAD
    }),
    // A storage request holds a connection only briefly. But the requests of one user wait on the lock of their user
    // row, and hold their connections meanwhile.
    storage: createFairLimiter({
      ...queue,
      count: 256,
      perUser: Math.max(MIN_STORAGE_PER_USER, Math.floor(poolSize / 2)),
      maxWaiting: 128
    }),
    // Otherwise, many answers of one user, such as large scores, would take all connections.
    pieces: createFairLimiter({
      ...queue,
      count: Math.max(1, Math.floor(poolSize / 4)),
      perUser: 1,
      maxWaiting: MAX_WAITING_PIECES
    })
  }
  app.decorate('places', limiters)
  app.decorateRequest('readInTurn', async function <T>(this: FastifyRequest, read: () => Promise<T>) {
    if (!isRead(this)) return read()
    const release = await limiters.pieces.acquire(this.user.sub)
    try {
      if (this.raw.socket.destroyed) throw clientGone()
      return await read()
    } finally {
      release()
    }
  })
}

export default fp(places, { name: 'places' })
