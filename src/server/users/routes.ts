import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { AccountSchema, SyncUserSchema, UserSchema } from '../../contract/users.ts'
import type { Config } from '../config.ts'
import { invalidInput } from '../errors.ts'
import { acceptAnswerName } from '../http/bodies/field-aliases.ts'
import { describedAs, problemResponses } from '../http/openapi/response-schemas.ts'
import { presentUser } from './present-user.ts'
import { readProfile } from './profile.ts'
import { NOT_SYNCED, readAccount } from './read-account.ts'
import { SYNC_BODY_LIMIT, syncUser } from './sync-user.ts'

type Options = { config: Pick<Config, 'defaultTimeZone' | 'quotas'>; now: () => Date }

/** `POST /api/users/sync` and `GET /api/users/me`. */
const userRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { config, now }) => {
  const { defaultTimeZone, quotas } = config
  app.post(
    '/users/sync',
    {
      bodyLimit: SYNC_BODY_LIMIT,
      schema: {
        operationId: 'syncUser',
        summary: 'Create or update the signed-in user',
        description:
          'Call it after each login. Absent fields keep their values. Only `auth0_id` is required. An invalid ' +
          'value of another field is ignored.',
        tags: ['Users'],
        body: SyncUserSchema,
        response: {
          200: describedAs('The updated user', UserSchema),
          201: describedAs('The new user', UserSchema),
          ...problemResponses(
            invalidInput('/auth0_id', 'is missing'),
            'malformed_body',
            'not_your_account',
            'body_too_large',
            'unsupported_media_type'
          )
        }
      },
      preValidation: async (request) => {
        const body = acceptAnswerName(request.body, 'time_zone', 'timeZone')
        request.body = (isRecord(body) ? { ...body, ...readProfile(body) } : body) as typeof request.body
      }
    },
    async (request, reply) => {
      const { user, created } = await syncUser(
        { database: app.database, defaultTimeZone, now },
        request.user.sub,
        request.body
      )
      return reply.code(created ? 201 : 200).send(presentUser(user))
    }
  )

  app.get(
    '/users/me',
    {
      schema: {
        operationId: 'getAccount',
        summary: 'The signed-in user, and what the account holds',
        description: 'With the minutes of practice, and the bytes used of each quota.',
        tags: ['Users'],
        response: {
          200: describedAs('The account', AccountSchema),
          ...problemResponses(NOT_SYNCED)
        }
      }
    },
    async (request) => readAccount({ database: app.database, defaultTimeZone, quotas, now }, request.user.sub)
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export default userRoutes
