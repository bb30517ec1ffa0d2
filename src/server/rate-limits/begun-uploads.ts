import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import type { RateLimiter } from './rate-limiter.ts'

export type BegunUploads = ReturnType<typeof createBegunUploads>

/** So many uploads may be begun in one window, however small the quota is. */
const MIN_UPLOADS = 100

/**
 * The uploads that one user may begin within the life of a URL. The storage does not know the announced size, so each
 * URL counts as a recording of the largest size: together they hold no more than the quota, unless that is less than
 * `MIN_UPLOADS` recordings.
 */
export const maxBegunUploads = ({
  quotas,
  maxRecordingBytes
}: Pick<Config, 'quotas' | 'maxRecordingBytes'>) =>
  Math.max(MIN_UPLOADS, Math.floor(quotas.recordingsBytes / maxRecordingBytes))

/** Counts the uploads that a user begins, whatever becomes of them. */
export const createBegunUploads = (limiter: RateLimiter) => ({
  /** @throws {ApiError} too_many_requests */
  async check(sub: string): Promise<void> {
    const { remaining, resetSeconds } = await limiter.find(sub)
    if (remaining > 0) return
    throw new ApiError(
      'too_many_requests',
      `The account has begun as many uploads as it may in two hours. Continue in ${resetSeconds} s.`,
      { retryAfter: resetSeconds }
    )
  },

  /** Call it once an upload has begun. */
  async count(sub: string): Promise<void> {
    await limiter.count(sub)
  }
})
