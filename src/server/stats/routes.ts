import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { StatsQuerySchema, UserStatsSchema } from '../../contract/stats.ts'
import type { Config } from '../config.ts'
import { problemResponses } from '../http/response-schemas.ts'
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
        response: { 200: UserStatsSchema, ...problemResponses('invalid_input') }
      }
    },
    async (request) =>
      userStats(app.database, {
        sub: request.user.sub,
        timeZone: request.query.tz,
        defaultTimeZone,
        now: now()
      })
  )
}

export default statsRoutes
