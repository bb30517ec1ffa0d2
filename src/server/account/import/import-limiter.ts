import { createFairLimiter, type Release } from '../../http/limits/fair-limiter.ts'
import { MIN_RATE } from '../../sessions/upload/limiters.ts'

/** Imports at the same time. Each takes three megabytes of memory. */
const IMPORTS = 8
/** Minimum average rate of an archive while others ask for its place: half a megabit a second. */
const BYTES_PER_SECOND_IF_WANTED = 64 * 1024
/** For this long after its refusal, a client is taken to ask again. */
const WANTED_MS = 60_000

/**
 * Limits the imports at the same time: one for a user. While all places are taken and others ask for one, an archive
 * must arrive faster: otherwise a few slow ones would hold all places for hours.
 */
export function createImportLimiter() {
  const places = createFairLimiter({
    count: IMPORTS,
    perUser: 1,
    maxWaiting: 0,
    waitMs: 0,
    refusal: 'Your account already has a running import, or the server runs too many. Retry later.'
  })
  let lastRefusal = -Infinity

  const isPlaceWanted = () => places.usage().held === IMPORTS && performance.now() - lastRefusal < WANTED_MS

  return {
    /** @throws {ApiError} server_busy */
    async acquire(sub: string): Promise<Release> {
      try {
        return await places.acquire(sub)
      } catch (error) {
        lastRefusal = performance.now()
        throw error
      }
    },

    /** The minimum rate at this moment. */
    minRate: {
      afterMs: MIN_RATE.afterMs,
      get bytesPerSecond() {
        return isPlaceWanted() ? BYTES_PER_SECOND_IF_WANTED : MIN_RATE.bytesPerSecond
      }
    }
  }
}
