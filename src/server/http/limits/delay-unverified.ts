import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { createTokenBucket } from './token-bucket.ts'

/** Requests of one address that are answered without delay: as many at once, and as many a second. */
const PER_SECOND = 100
const MAX_ADDRESSES = 10_000

/**
 * Delays requests of an address that sends many of them without a token that was verified shortly before: to the
 * health checks, the API page or unknown paths, without a token or with a bad one. A client that repeats such a
 * request at once on each of its connections would otherwise take most of the server's time. None is refused,
 * because the address may be that of a proxy or a school.
 */
async function delayUnverified(app: FastifyInstance) {
  const buckets = new LRUCache<string, ReturnType<typeof createTokenBucket>>({ max: MAX_ADDRESSES })

  function bucketOf(address: string) {
    const bucket =
      buckets.get(address) ??
      createTokenBucket({ capacity: PER_SECOND, refillMs: 1000 / PER_SECOND, now: () => performance.now() })
    buckets.set(address, bucket)
    return bucket
  }

  const isVerified = ({ headers }: FastifyRequest) => app.findVerified(headers.authorization) !== undefined

  app.addHook('onRequest', (request, _reply, done) => {
    if (isVerified(request) || bucketOf(request.ip).take()) done()
    else app.loadRefusals.holdBack(done)
  })
}

export default fp(delayUnverified, {
  name: 'delay-unverified',
  dependencies: ['auth', 'problem-details']
})
