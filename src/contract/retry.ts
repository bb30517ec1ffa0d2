export type RetryOptions = {
  /** Pause after the first failure, in milliseconds. Each further pause is twice as long. */
  firstPauseMs: number
  /** Longest pause, in milliseconds. `retryAfterMs` may ask for a longer one. */
  maxPauseMs: number
  /** Total of all pauses, in milliseconds, after which a failure is final. Default: no limit. */
  limitMs?: number
  /** Number of attempts after which a failure is final. Default: no limit. */
  maxAttempts?: number
  /**
   * Whether to shorten each pause by a random part of up to a half, so that clients that failed together do
   * not retry together. Default: false.
   */
  jitter?: boolean
  /** Whether another attempt may succeed. Default: always. */
  shouldRetry?: (error: unknown) => boolean
  /** Shortest pause that the failed attempt asked for, in milliseconds, as HTTP's `Retry-After` does. */
  retryAfterMs?: (error: unknown) => number | undefined
  /** Ends the retries. A failure after the abort, or a pause during it, rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Replaces the timer, for tests. */
  sleep?: typeof sleep
}

/**
 * Repeats `work` with exponential backoff until it succeeds.
 * @throws the last error of `work`, or the reason of `signal`
 */
export async function retryFor<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { firstPauseMs, maxPauseMs, limitMs = Infinity, maxAttempts = Infinity } = options
  const { jitter, shouldRetry = () => true, retryAfterMs, signal, sleep: pause = sleep } = options
  let waitedMs = 0
  for (let attempt = 1, pauseMs = firstPauseMs; ; attempt++, pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      if (attempt >= maxAttempts || waitedMs >= limitMs || !shouldRetry(error)) throw error
      const nextMs = Math.max(jitter ? spread(pauseMs) : pauseMs, retryAfterMs?.(error) ?? 0)
      waitedMs += nextMs
      await pause(nextMs, signal)
    }
  }
}

/** Resolves after `milliseconds`; rejects with the signal's reason as soon as it is aborted. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', abort)
  })
}

const spread = (pauseMs: number) => (pauseMs * (1 + Math.random())) / 2
