import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../errors.ts'
import type { RateLimiter } from './rate-limiter.ts'

/** Window of the limit for one user. */
export const USER_WINDOW_SECONDS = 10

/**
 * An onRequest hook for authenticated requests. Every answer tells the limit and what is left of it
 * (draft-ietf-httpapi-ratelimit-headers-10: `q` requests in `w` seconds; `r` left for `t` seconds).
 * @throws {ApiError} too_many_requests
 */
export function limitUsers(limiter: RateLimiter, limit: number) {
  const policy = `"user";q=${limit};w=${USER_WINDOW_SECONDS}`

  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { counted, remaining, resetSeconds } = await limiter.count(request.user.sub)
    reply.header('ratelimit-policy', policy).header('ratelimit', `"user";r=${remaining};t=${resetSeconds}`)
    if (counted <= limit) return
    throw new ApiError(
      'too_many_requests',
      `Send at most ${limit} requests in ${USER_WINDOW_SECONDS} seconds. Continue in ${resetSeconds} s.`,
      { retryAfter: resetSeconds }
    )
  }
}
