import type { Config } from '../../config.ts'
import { createFairLimiter } from '../../http/limits/fair-limiter.ts'

/** Large bodies that wait for a place: a connection each, and no memory. */
const MAX_WAITING = 1000
const REFUSAL = 'Many recordings are being saved at this moment. Retry shortly.'

export type UploadLimiters = ReturnType<typeof createUploadLimiters>

/** Places for large bodies, and the one place for a large text, which must be in memory to be parsed. */
export function createUploadLimiters({ concurrency, waitMs }: Config['upload']) {
  const queue = { maxWaiting: MAX_WAITING, waitMs, refusal: REFUSAL }
  return {
    bodies: createFairLimiter({ ...queue, count: concurrency, perUser: Math.ceil(concurrency / 4) }),
    largeTexts: createFairLimiter({ ...queue, count: 1, perUser: 1 })
  }
}
