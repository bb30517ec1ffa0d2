import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isTimeZone, summarise } from '../../contract/practice-days.ts'
import { StatsQuerySchema, UserStatsSchema } from '../../contract/stats.ts'
import type { Config } from '../config.ts'
import { invalidInput } from '../errors.ts'
import { problemResponses } from '../http/response-schemas.ts'
import { findPracticeDays } from '../users/streak-repository.ts'

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
    async (request) => {
      const { tz: timeZone } = request.query
      if (timeZone !== undefined && !isTimeZone(timeZone)) {
        throw invalidInput('tz', 'must be an IANA time zone such as Europe/Berlin')
      }
      const { days, today } = await findPracticeDays(app.database.queries, {
        sub: request.user.sub,
        timeZone,
        defaultTimeZone,
        now: now()
      })
      return summarise(days, today)
    }
  )
}

export default statsRoutes
