import { ApiError } from '../errors.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** Life of an upload URL of hosted Supabase, which accepts bytes also after its upload was replaced or deleted. */
export const URL_LIFE_SECONDS = 2 * 60 * 60

export type BegunUploads = ReturnType<typeof createBegunUploads>

/** Counts the announced bytes of the uploads that a user begins, whatever becomes of them. */
export const createBegunUploads = (limiter: RateLimiter) => ({
  /** @throws {ApiError} too_many_requests */
  async check(sub: string): Promise<void> {
    const { remaining, resetSeconds } = await limiter.find(sub)
    if (remaining > 0) return
    throw new ApiError(
      'too_many_requests',
      `The uploads begun in this window of two hours reach the quota of recordings. Continue in ${resetSeconds} s.`,
      { retryAfter: resetSeconds }
    )
  },

  /** Call it once an upload of `bytes` bytes has begun. */
  async count(sub: string, bytes: number): Promise<void> {
    await limiter.count(sub, bytes)
  }
})
