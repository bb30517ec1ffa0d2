import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  PracticeDaysQuerySchema,
  PracticeDaysSchema,
  StatsQuerySchema,
  UserStatsSchema
} from '../../contract/stats.ts'
import type { Config } from '../config.ts'
import { invalidInput } from '../errors.ts'
import { declareVersion, entityTagOf, hasVersion } from '../http/answers/conditional-read.ts'
import { describedAs, JSON_TYPE, NOT_MODIFIED, problemResponses } from '../http/openapi/response-schemas.ts'
import { readPracticeDays } from './read-practice-days.ts'
import { userStats } from './user-stats.ts'

type Options = { config: Pick<Config, 'defaultTimeZone'>; now: () => Date }

/** `GET /api/stats` and `GET /api/stats/days`. */
const statsRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { config: { defaultTimeZone }, now }) => {
  app.get(
    '/stats',
    {
      schema: {
        operationId: 'getStats',
        summary: 'Minutes per day of this week, streak and total',
        description: "Days and week are those of the user's time zone, or of `tz`.",
        tags: ['Stats'],
        querystring: StatsQuerySchema,
        response: {
          200: describedAs('The stats as of now', UserStatsSchema),
          304: NOT_MODIFIED,
          ...problemResponses(invalidInput('tz', 'must be an IANA time zone such as Europe/Berlin'))
        }
      }
    },
    async (request, reply) => {
      const stats = await userStats(app.database, {
        sub: request.user.sub,
        timeZone: request.query.tz,
        defaultTimeZone,
        now: now()
      })
      return send(request, reply, stats)
    }
  )

  app.get(
    '/stats/days',
    {
      schema: {
        operationId: 'getPracticeDays',
        summary: 'Days with practice of up to 1,100 days',
        description: "Days are those of the user's time zone, or of `tz`.",
        tags: ['Stats'],
        querystring: PracticeDaysQuerySchema,
        response: {
          200: describedAs('The days with practice', PracticeDaysSchema),
          304: NOT_MODIFIED,
          ...problemResponses(invalidInput('to', 'must not be before `from`'))
        }
      }
    },
    async (request, reply) => {
      const { tz: timeZone, from, to } = request.query
      const { sub } = request.user
      const days = { sub, timeZone, defaultTimeZone, now: now(), from, to }
      return send(request, reply, await readPracticeDays(app.database, days))
    }
  )
}

/** The answer changes at midnight without a write, so the ETag is a hash of the answer. */
function send(request: FastifyRequest, reply: FastifyReply, answer: object) {
  const json = reply.serialize(answer) as string
  const tag = entityTagOf([json])
  declareVersion(reply, tag)
  if (hasVersion(request, tag)) return reply.code(304).send(null)
  return reply.type(JSON_TYPE).send(json as never)
}

export default statsRoutes
