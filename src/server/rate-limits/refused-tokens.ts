import type { FastifyRequest } from 'fastify'
import { ApiError } from '../errors.ts'
import { addressKey } from '../http/limits/address-key.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** Refused tokens of one address in one window. A browser whose token has expired sends a few. */
export const MAX_REFUSED_TOKENS = 100
/** The window in which they are counted. */
export const REFUSED_TOKENS_WINDOW_SECONDS = 60

export type RefusedTokens = ReturnType<typeof createRefusedTokens>

/** Counts the refused tokens of each address, so that somebody who sends many is refused before a verification. */
export function createRefusedTokens(limiter: RateLimiter) {
  let hasWarned = false

  /** Without TRUST_PROXY all clients have the address of the proxy, so the bad tokens of one lock out all. */
  function warnOfProxy({ ip, headers, log, raw }: FastifyRequest) {
    if (hasWarned || headers['x-forwarded-for'] === undefined || ip !== raw.socket.remoteAddress) return
    hasWarned = true
    log.warn('New tokens of all clients behind this proxy are refused: set TRUST_PROXY to its address')
  }

  return {
    /** @throws {ApiError} too_many_requests */
    async check(request: FastifyRequest): Promise<void> {
      const { remaining, resetSeconds } = await limiter.find(addressKey(request.ip))
      if (remaining > 0) return
      warnOfProxy(request)
      throw new ApiError(
        'too_many_requests',
        `This address has sent too many invalid tokens. Sign in again in ${resetSeconds} s.`,
        { retryAfter: resetSeconds }
      )
    },

    async count({ ip }: FastifyRequest): Promise<void> {
      await limiter.count(addressKey(ip))
    }
  }
}
