import type { FastifyBaseLogger } from 'fastify'
import type { ApiError } from '../../errors.ts'
import { createRandomDelay } from '../limits/random-delay.ts'

const LOG_INTERVAL_MS = 1000

/** A refusal should arrive within 100 ms. A busy server needs up to 40 ms of that for its own work. */
const DELAY_MS = { min: 40, max: 50 }

export type LoadRefusals = ReturnType<typeof createLoadRefusals>

/**
 * Whether a refusal is for load: `too_many_requests`, or `server_busy` without a failure behind it, such as a full
 * disk.
 */
export const isForLoad = ({ code, cause }: ApiError): boolean =>
  (code === 'too_many_requests' || code === 'server_busy') && cause === undefined

/** Delays refusals for load, and counts them in the log: there may be thousands a second. */
export function createLoadRefusals(log: Pick<FastifyBaseLogger, 'warn'>) {
  const counts = new Map<string, number>()

  function logCounts() {
    for (const [code, more] of counts) if (more > 0) log.warn({ code, more }, 'more requests refused')
    counts.clear()
  }

  return {
    /**
     * Counts a refusal. The log tells the numbers once a second: a line for each would cost as much as the refusal.
     * @returns whether it is the first of its code within a second, which has a line of its own
     */
    add({ code }: ApiError): boolean {
      if (counts.size === 0) setTimeout(logCounts, LOG_INTERVAL_MS).unref()
      const more = counts.get(code)
      counts.set(code, more === undefined ? 0 : more + 1)
      return more === undefined
    },

    /** Sends a refusal after a moment. */
    holdBack: createRandomDelay(DELAY_MS)
  }
}
