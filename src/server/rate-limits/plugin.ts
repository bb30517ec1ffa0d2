import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { UPLOAD_URL_LIFE_MS, type Config } from '../config.ts'
import { createBegunUploads, maxBegunUploads, type BegunUploads } from './begun-uploads.ts'
import { limitUsers, USER_WINDOW_SECONDS } from './limit-users.ts'
import { createRateLimiter } from './rate-limiter.ts'
import { connectRedis } from './redis.ts'
import {
  createRefusedTokens,
  MAX_REFUSED_TOKENS,
  REFUSED_TOKENS_WINDOW_SECONDS,
  type RefusedTokens
} from './refused-tokens.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook that limits the requests of a user. It runs after the authentication. */
    limitUser: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
    /** Undefined where there are no limits. */
    refusedTokens: RefusedTokens | undefined
    /** Undefined where there are no limits. */
    begunUploads: BegunUploads | undefined
  }
}

/**
 * Limits the requests of a user, the uploads that a user begins, and the refused tokens of an address. `RATE_LIMIT=off`
 * turns all off.
 */
async function rateLimits(
  app: FastifyInstance,
  { config }: { config: Pick<Config, 'maxRecordingBytes' | 'quotas' | 'rateLimit' | 'redisUrl'> }
) {
  const { rateLimit: limit, redisUrl } = config
  if (limit === undefined) {
    app.decorate('limitUser', async () => {})
    app.decorate('refusedTokens', undefined)
    app.decorate('begunUploads', undefined)
    return
  }
  const redis = redisUrl === undefined ? undefined : await connectRedis(redisUrl, app.log)
  app.addHook('onClose', async () => redis?.disconnect())

  const users = createRateLimiter({ name: 'user', limit, windowSeconds: USER_WINDOW_SECONDS, redis })
  app.decorate('limitUser', limitUsers(users, limit))
  const addresses = createRateLimiter({
    name: 'refused-tokens',
    limit: MAX_REFUSED_TOKENS,
    windowSeconds: REFUSED_TOKENS_WINDOW_SECONDS,
    redis
  })
  app.decorate('refusedTokens', createRefusedTokens(addresses))
  const uploads = createRateLimiter({
    name: 'begun-uploads',
    limit: maxBegunUploads(config),
    windowSeconds: UPLOAD_URL_LIFE_MS / 1000,
    redis
  })
  app.decorate('begunUploads', createBegunUploads(uploads))
}

export default fp(rateLimits, { name: 'rate-limits' })
