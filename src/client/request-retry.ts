import { retryFor } from '../contract/retry.ts'
import type { Clock } from './clock.ts'
import { StorageError } from './storage-service.ts'

const TRANSIENT = [0, 408, 425, 429, 502, 503, 504]
// A user does not watch a progress bar for longer: report the error, and let the user or the outbox try
// again.
const MAX_RETRY_AFTER_MS = 30_000

/** Whether the same request may succeed later: no response arrived, or the server asked for a retry. */
export function isTransient(error: unknown): error is StorageError {
  return error instanceof StorageError && isTransientStatus(error.status)
}

export const isTransientStatus = (status: number): boolean => TRANSIENT.includes(status)

/** The pause that the server asked for, in milliseconds. */
export function retryAfterMs(error: unknown): number {
  return ((error as StorageError | undefined)?.retryAfter ?? 0) * 1000
}

/** Makes up to four attempts with exponential backoff. Only for requests that are safe to repeat. */
export function retryRequest<T>(
  attempt: () => Promise<T>,
  clock: Clock,
  signal: AbortSignal | undefined
): Promise<T> {
  return retryFor(attempt, {
    maxAttempts: 4,
    firstPauseMs: 500,
    maxPauseMs: 2_000,
    jitter: true,
    shouldRetry: (error) => isTransient(error) && retryAfterMs(error) <= MAX_RETRY_AFTER_MS,
    retryAfterMs,
    signal,
    sleep: clock.sleep
  })
}
