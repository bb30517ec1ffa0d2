import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { StatsQuerySchema, UserStatsSchema } from '../../contract/stats.ts'
import type { Config } from '../config.ts'
import { entityTagOf, isKnownVersion } from '../http/conditional-read.ts'
import { JSON_TYPE, NOT_MODIFIED, problemResponses } from '../http/response-schemas.ts'
import { userStats } from './user-stats.ts'

type Options = { config: Pick<Config, 'defaultTimeZone'>; now: () => Date }

/** `GET /api/stats` (seed, "Stats Routes"). */
const statsRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { config: { defaultTimeZone }, now }) => {
  app.get(
    '/stats',
    {
      schema: {
        operationId: 'getStats',
        summary: 'Minutes per day of this week, streak and total',
        tags: ['Stats'],
        querystring: StatsQuerySchema,
        response: { 200: UserStatsSchema, 304: NOT_MODIFIED, ...problemResponses('invalid_input') }
      }
    },
    async (request, reply) => {
      const stats = await userStats(app.database, {
        sub: request.user.sub,
        timeZone: request.query.tz,
        defaultTimeZone,
        now: now()
      })
      // Midnight changes the answer without a write, so its version is the answer itself.
      const json = reply.serialize(stats) as string
      if (isKnownVersion(request, reply, entityTagOf([json]))) return reply.code(304).send(null)
      return reply.type(JSON_TYPE).send(json as never)
    }
  )
}

export default statsRoutes
