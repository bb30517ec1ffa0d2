type Options = { capacity: number; refillMs: number; now: () => number }

/**
 * A rate limit by the token bucket algorithm: `capacity` actions at once, then one every `refillMs`
 * milliseconds.
 */
export function createTokenBucket({ capacity, refillMs, now }: Options) {
  let tokens = capacity
  let filledAt = now()
  return {
    /** @returns whether the action is allowed; an allowed action is counted */
    take(): boolean {
      const earned = Math.floor((now() - filledAt) / refillMs)
      if (earned > 0) {
        tokens = Math.min(capacity, tokens + earned)
        filledAt += earned * refillMs
      }
      if (tokens === 0) return false
      tokens--
      return true
    }
  }
}
