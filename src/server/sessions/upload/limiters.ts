import type { Config } from '../../config.ts'
import { createFairLimiter } from '../../http/limits/fair-limiter.ts'

/** Large bodies that wait for a place: a connection each, and no memory. */
const MAX_WAITING = 1000
const REFUSAL = 'Many recordings are being saved at this moment. Retry shortly.'

/** Memory for a body of any size: what its spools keep, and a text below the size of large ones. */
export const MAX_BODY_MEMORY = 3 * 1024 * 1024

/** Texts above this size are parsed one at a time, because parsing them takes much memory. */
export const LARGE_TEXT_BYTES = 1024 * 1024

/** Bytes of texts that are saved at the same time. Those of one user may have as many as the smallest large text. */
const MAX_TEXT_BYTES_SAVED = 64 * LARGE_TEXT_BYTES

/**
 * Minimum average rate of a body, in case it stops or trickles. A phone with a poor connection sends more than this. TCP
 * repeats a lost packet for fifteen seconds; others wait for a place for longer than twenty.
 */
export const MIN_RATE = { bytesPerSecond: 4 * 1024, afterMs: 20_000 }

/**
 * Bytes of texts that one user saves at most in a millisecond: 5 MB a second. The other users are served in the pauses.
 */
export const TEXT_RATE = 5 * 1024

export type UploadLimiters = ReturnType<typeof createUploadLimiters>

/**
 * Places for large bodies; for the bytes of texts, because a text of 1 MB takes a tenth of a second of CPU time, and the
 * other users wait meanwhile; and the one place for a large text, which must be in memory to be parsed.
 */
export function createUploadLimiters({ concurrency, waitMs }: Config['upload']) {
  const queue = { maxWaiting: MAX_WAITING, waitMs, refusal: REFUSAL }
  return {
    bodies: createFairLimiter({ ...queue, count: concurrency, perUser: Math.ceil(concurrency / 4) }),
    texts: createFairLimiter({ ...queue, count: MAX_TEXT_BYTES_SAVED, perUser: LARGE_TEXT_BYTES }),
    largeTexts: createFairLimiter({ ...queue, count: 1, perUser: 1 })
  }
}
