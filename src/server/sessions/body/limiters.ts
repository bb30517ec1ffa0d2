import type { Config } from '../../config.ts'
import { createFairLimiter, type FairLimiter } from '../../http/limits/fair-limiter.ts'
import { BYTES_PER_SECOND_IF_WAITING, MIN_RATE } from '../../http/limits/min-rate.ts'

/** Large bodies that wait for a place: a connection each, and no memory. */
const MAX_WAITING = 1000
const MANY_RECORDINGS = 'Many recordings are being saved at this moment. Retry shortly.'
const MANY_SCORES = 'Many scores are being saved at this moment. Retry shortly.'

/** Memory for a body of any size: what its spools keep, and a text below the size of large ones. */
export const MAX_BODY_MEMORY = 3 * 1024 * 1024

/** Texts above this size are parsed one at a time, because parsing them takes much memory. */
export const LARGE_TEXT_BYTES = 1024 * 1024

/** Bytes of texts that one user, and all users together, may have parsed in each `TEXT_PAUSE_MS` milliseconds. */
const TEXT_BYTES = { perUser: LARGE_TEXT_BYTES, count: 64 * LARGE_TEXT_BYTES }

/** After parsing, a text keeps its share for 400 ms, or 400 ms for each MB if it is larger. */
export const TEXT_PAUSE_MS = 400

export type BodyLimiters = ReturnType<typeof createBodyLimiters>

/** Whether bodies wait for lack of capacity, and not only because their user has reached the limit for one user. */
const isShort = (limiter: FairLimiter, needed: number) => {
  const { places, held, waiting } = limiter.usage()
  return waiting > 0 && held + needed > places
}

/**
 * The minimum rate of a body: higher while bodies wait for a place or for memory, because a few slow ones would hold
 * all.
 */
export const minRateOf = (places: FairLimiter, memory: FairLimiter) => ({
  afterMs: MIN_RATE.afterMs,
  get bytesPerSecond() {
    return isShort(places, 1) || isShort(memory, MAX_BODY_MEMORY)
      ? BYTES_PER_SECOND_IF_WAITING
      : MIN_RATE.bytesPerSecond
  }
})

/** Limits of the saves and edits that go on at the same time, shared by all routes that receive sessions. */
export function createBodyLimiters({ concurrency, waitMs }: Config['bodies']) {
  const queue = { maxWaiting: MAX_WAITING, waitMs }
  const scores = { ...queue, refusal: MANY_SCORES }
  return {
    /** Places for large bodies. */
    bodies: createFairLimiter({
      ...queue,
      refusal: MANY_RECORDINGS,
      count: concurrency,
      perUser: Math.ceil(concurrency / 4)
    }),

    /** Bytes of texts above 16 kB. The save of a score of 1 MB takes a tenth of a second of CPU time. */
    textBytes: createFairLimiter({ ...scores, ...TEXT_BYTES }),

    /**
     * The one place for a large text, which must be in memory to be parsed. If memory is short, the place is
     * held until the save ends.
     */
    largeTexts: createFairLimiter({ ...scores, count: 1, perUser: 1 })
  }
}
