import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'

type Options = {
  name: string
  /** Requests, or other units, in one window. */
  limit: number
  windowSeconds: number
  /** Where all instances share their counts. Without it, and while it does not answer, the counts are in memory. */
  redis?: Redis | undefined
}

/** The current window of one key. */
export type Usage = { counted: number; remaining: number; resetSeconds: number }

export type RateLimiter = ReturnType<typeof createRateLimiter>

/** Counts requests by key in fixed windows. Its memory grows with the number of keys in one window. */
export function createRateLimiter({ name, limit, windowSeconds, redis }: Options) {
  const memory = new RateLimiterMemory({ keyPrefix: name, points: limit, duration: windowSeconds })
  const limiter = redis
    ? new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `harmony-helper:${name}`,
        points: limit,
        duration: windowSeconds,
        insuranceLimiter: memory
      })
    : memory
  // Redis gets no personal data.
  const keyOf = (key: string) => (redis ? hash('sha256', key, 'base64url') : key)

  return {
    /** Counts one request, or as many units as given, also beyond the limit. */
    count: async (key: string, units = 1): Promise<Usage> =>
      toUsage(await limiter.consume(keyOf(key), units).catch(rejectErrors)),

    /** Looks without counting. */
    async find(key: string): Promise<Usage> {
      const result = await limiter.get(keyOf(key))
      return result ? toUsage(result) : { counted: 0, remaining: limit, resetSeconds: windowSeconds }
    }
  }
}

const toUsage = ({ remainingPoints, msBeforeNext, consumedPoints }: RateLimiterRes): Usage => ({
  counted: consumedPoints,
  remaining: Math.max(remainingPoints, 0),
  resetSeconds: Math.max(Math.ceil(msBeforeNext / 1000), 1)
})

/** The library rejects with its result when the limit is exceeded. */
function rejectErrors(result: unknown): RateLimiterRes {
  if (result instanceof RateLimiterRes) return result
  throw result
}
