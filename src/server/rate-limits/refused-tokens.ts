import type { FastifyRequest } from 'fastify'
import { ApiError } from '../errors.ts'
import { addressKey } from '../http/limits/address-key.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** Refused tokens of one address in one window. A browser whose token has expired sends a few. */
export const MAX_REFUSED_TOKENS = 100
export const REFUSED_TOKENS_WINDOW_SECONDS = 60

export type RefusedTokens = ReturnType<typeof createRefusedTokens>

/** Counts the refused tokens of each address, so that somebody who sends many is refused before a verification. */
export const createRefusedTokens = (limiter: RateLimiter) => ({
  /** @throws {ApiError} too_many_requests */
  async check({ ip }: FastifyRequest): Promise<void> {
    const { remaining, resetSeconds } = await limiter.find(addressKey(ip))
    if (remaining > 0) return
    throw new ApiError(
      'too_many_requests',
      `This address has sent too many invalid tokens. Sign in again in ${resetSeconds} s.`,
      { retryAfter: resetSeconds }
    )
  },

  async count({ ip }: FastifyRequest): Promise<void> {
    await limiter.count(addressKey(ip))
  }
})
