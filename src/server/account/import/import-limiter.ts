import { ApiError } from '../../errors.ts'
import type { Release } from '../../http/limits/fair-limiter.ts'
import { MIN_RATE } from '../../sessions/upload/limiters.ts'

/** Imports at the same time. Each takes three megabytes of memory. */
const IMPORTS = 8
/** Minimum average rate of an archive while others ask for its place: half a megabit a second. */
const BYTES_PER_SECOND_IF_WANTED = 64 * 1024
/** How long a refused user counts as waiting. Who still waits asks again. */
const WANTED_MS = 60_000

/**
 * Limits the imports at the same time: one for a user. While all places are taken and another user asks for one, an
 * archive must arrive at 64 kB a second. Otherwise a few slow ones would hold all places for hours.
 */
export function createImportLimiter() {
  const importing = new Set<string>()
  let lastRefusal = -Infinity

  const isPlaceWanted = () => importing.size === IMPORTS && performance.now() - lastRefusal < WANTED_MS

  return {
    /** @throws {ApiError} server_busy */
    acquire(sub: string): Release {
      if (importing.has(sub)) {
        throw busy('Your account already has a running import. Retry when it has ended.')
      }
      if (importing.size === IMPORTS) {
        lastRefusal = performance.now()
        throw busy('The server runs as many imports as it can. Retry later.')
      }
      importing.add(sub)
      lastRefusal = -Infinity
      return () => importing.delete(sub)
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

const busy = (detail: string) => new ApiError('server_busy', detail)
