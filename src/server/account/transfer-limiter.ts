import { ApiError } from '../errors.ts'
import type { Release } from '../http/limits/fair-limiter.ts'
import { MIN_RATE } from '../http/limits/min-rate.ts'

/** Minimum average rate of an archive while others ask for its place: half a megabit a second. */
const ARCHIVE_BYTES_PER_SECOND_IF_WAITING = 64 * 1024
/** How long a refused user counts as waiting. Who still waits asks again. */
const WANTED_MS = 60_000

/** `what`: the kind of transfers, such as `import`. */
type Options = { what: string; places: number }

/**
 * Limits the exports or imports at the same time: one for a user. While all places are taken and another user asks for
 * one, an archive must pass at 64 kB a second. Otherwise a few slow ones would hold all places for hours.
 */
export function createTransferLimiter({ what, places }: Options) {
  const users = new Set<string>()
  let lastRefusal = -Infinity

  const isPlaceWanted = () => users.size === places && performance.now() - lastRefusal < WANTED_MS

  return {
    /** @throws {ApiError} server_busy */
    acquire(sub: string): Release {
      if (users.has(sub)) {
        throw busy(`Your account already has a running ${what}. Retry when it has ended.`)
      }
      if (users.size === places) {
        lastRefusal = performance.now()
        throw busy(`The server runs as many ${what}s as it can. Retry later.`)
      }
      users.add(sub)
      lastRefusal = -Infinity
      return () => users.delete(sub)
    },

    /** The minimum rate at this moment. */
    minRate: {
      afterMs: MIN_RATE.afterMs,
      get bytesPerSecond() {
        return isPlaceWanted() ? ARCHIVE_BYTES_PER_SECOND_IF_WAITING : MIN_RATE.bytesPerSecond
      }
    }
  }
}

const busy = (detail: string) => new ApiError('server_busy', detail)
