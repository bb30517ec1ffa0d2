import type { Clock } from './clock.ts'
import { StorageError } from './storage-service.ts'

const ATTEMPTS = 4
// Longer than this nobody watches a spinner: better to say so, and let the person or the outbox come back.
const LONGEST_WAIT = 30_000
const TRANSIENT = [0, 408, 425, 429, 502, 503, 504]

/** Whether the same call may succeed a little later: no answer came, or the server asked to come again. */
export function isTransient(error: unknown): boolean {
  return error instanceof StorageError && TRANSIENT.includes(error.status)
}

/** Tries again what may be repeated safely, waiting as long as the server says, or else twice as long each time. */
export async function withRetry<T>(
  attempt: () => Promise<T>,
  clock: Clock,
  signal?: AbortSignal
): Promise<T> {
  for (let wait = 500, left = ATTEMPTS - 1; ; wait *= 2, left--) {
    try {
      return await attempt()
    } catch (error) {
      const pause = isTransient(error) && left > 0 ? pauseAfter(error as StorageError, wait) : Infinity
      if (pause > LONGEST_WAIT) throw error
      await clock.sleep(pause, signal)
    }
  }
}

// Half of it by chance: clients that failed together shall not come back together.
function pauseAfter({ retryAfter }: StorageError, wait: number): number {
  return retryAfter ? retryAfter * 1000 : (wait * (1 + Math.random())) / 2
}
