import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { isTimeZone } from '../../contract/practice-days.ts'
import { SyncUserSchema, UserSchema, type User } from '../../contract/users.ts'
import type { Config } from '../config.ts'
import { ApiError, invalidInput } from '../errors.ts'
import { toSyncUser } from '../frontend-names.ts'
import { problemResponses } from '../http/response-schemas.ts'
import { refreshStreak } from './streak-repository.ts'
import { createUserRepository, type UserRow } from './repository.ts'

type Options = { config: Pick<Config, 'defaultTimeZone'>; now: () => Date }

/** `POST /api/users/sync` (seed, "User Routes"). */
const userRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { config: { defaultTimeZone }, now }) => {
  app.post(
    '/users/sync',
    {
      schema: {
        operationId: 'syncUser',
        summary: 'Make sure that the signed-in user exists',
        description: 'Call it after each login. Fields left out keep their values.',
        tags: ['Users'],
        body: SyncUserSchema,
        response: {
          200: UserSchema,
          201: UserSchema,
          ...problemResponses(
            'invalid_input',
            'malformed_body',
            'not_your_account',
            'body_too_large',
            'unsupported_media_type'
          )
        }
      },
      preValidation: async (request) => {
        request.body = toSyncUser(request.body) as typeof request.body
      }
    },
    async (request, reply) => {
      const { sub } = request.user
      const { auth0_id: auth0Id, timeZone } = request.body
      if (auth0Id !== sub) {
        throw new ApiError('not_your_account', 'auth0_id must be the `sub` of the access token.')
      }
      if (timeZone && !isTimeZone(timeZone)) {
        throw invalidInput('/timeZone', 'must be an IANA time zone such as Europe/Berlin')
      }

      const { user, created } = await app.database.transaction(async (queries) => {
        const users = createUserRepository(queries)
        const { created } = await users.upsert(request.body)
        await refreshStreak(queries, { sub, defaultTimeZone, now: now() })
        return { created, user: await users.findBySub(sub) }
      })
      if (!user) throw new Error('The user vanished inside its own transaction')
      return reply.code(created ? 201 : 200).send(present(user))
    }
  )
}

const present = (user: UserRow): User => ({
  id: user.id,
  auth0_id: user.auth0Id,
  email: user.email,
  name: user.name,
  picture: user.picture,
  time_zone: user.timeZone,
  created_at: user.createdAt.toISOString(),
  streak_count: user.streakCount,
  last_practice_date: user.lastPracticeDate?.toISOString() ?? null
})

export default userRoutes
