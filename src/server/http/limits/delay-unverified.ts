import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { addressKey } from './address-key.ts'
import { createRandomDelay, type RandomDelay } from './random-delay.ts'
import { createSpread } from './spread-work.ts'
import { createTokenBucket } from './token-bucket.ts'

/** Requests of one address without delay: 20 at once, as many as browsers send for a few pages, and 100 a second. */
const [AT_ONCE, PER_SECOND] = [20, 100]
const DELAY_MS = { min: 50, max: 250 }
const MAX_ADDRESSES = 10_000
/** Delayed requests that go on in one turn of the event loop. */
const PER_TURN = 10

/**
 * Delays an address that sends more than 20 requests at once, or 100 a second, without a recently verified token.
 * The path does not matter: health checks, the API page, unknown paths, bad tokens. A client that repeats such a
 * request at once on each of its connections would otherwise take most of the server's time. None is refused, because
 * the address may be that of a proxy or a school.
 */
async function delayUnverified(
  app: FastifyInstance,
  { holdBack = createRandomDelay(DELAY_MS) }: { holdBack?: RandomDelay }
) {
  const spread = createSpread(PER_TURN)
  const buckets = new LRUCache<string, ReturnType<typeof createTokenBucket>>({ max: MAX_ADDRESSES })

  function bucketOf({ ip }: FastifyRequest) {
    const address = addressKey(ip)
    const bucket =
      buckets.get(address) ??
      createTokenBucket({ capacity: AT_ONCE, refillMs: 1000 / PER_SECOND, now: () => performance.now() })
    buckets.set(address, bucket)
    return bucket
  }

  app.addHook('onRequest', (request, _reply, done) => {
    if (app.findVerified(request) !== undefined || bucketOf(request).take()) done()
    else holdBack(() => spread(done))
  })
}

export default fp(delayUnverified, {
  name: 'delay-unverified',
  dependencies: ['auth']
})
