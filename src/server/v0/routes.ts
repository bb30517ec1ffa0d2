import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { SessionParamsSchema } from '../../contract/sessions.ts'
import { UserStatsSchema } from '../../contract/stats.ts'
import { UserSchema } from '../../contract/users.ts'
import type { Config } from '../config.ts'
import { invalidInput } from '../errors.ts'
import { describedAs, INVALID_ID, problemResponses } from '../http/openapi/response-schemas.ts'
import { sendJsonPieces } from '../http/answers/send-json-pieces.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import { runInTurn } from '../sessions/run-in-turn.ts'
import { userStats } from '../stats/user-stats.ts'
import { createPlaybackUrls } from '../storage/playback-urls.ts'
import { presentUser } from '../users/present-user.ts'
import { SYNC_BODY_LIMIT, syncUser } from '../users/sync-user.ts'
import { createV0HistoryRepository } from './v0-history-repository.ts'
import { readHistory, readRow } from './read-history.ts'
import saveRoute from './save-route.ts'
import { V0HistorySchema, V0SessionSchema, V0UserSchema } from './schemas.ts'
import { toProfile } from './translate.ts'

type Options = {
  config: Pick<Config, 'defaultTimeZone' | 'maxRecordingBytes' | 'storage' | 'bodies'>
  now: () => Date
}

/**
 * `/v0/api`: the API in the names of the Harmony Helper frontend that is in users' hands (docs/running.md, "The
 * existing frontend"). It translates and calls the use cases of `/api`.
 */
const v0Routes: FastifyPluginAsyncTypebox<Options> = async (app, { config, now }) => {
  const { database, storage, sessions } = app
  const { defaultTimeZone } = config
  const playbackUrls = createPlaybackUrls({ storage, ...config.storage })
  const history = createV0HistoryRepository(database.run)
  const readingFor = (request: FastifyRequest) => ({
    history,
    later: createV0HistoryRepository(runInTurn(database.run, request)),
    playbackUrls
  })
  const readConfig = { waitsForStorage: !playbackUrls.areCanonical }
  const common = { tags: ['Existing frontend'], deprecated: true }

  app.post(
    '/api/users/sync',
    {
      bodyLimit: SYNC_BODY_LIMIT,
      schema: {
        ...common,
        operationId: 'v0SyncUser',
        summary: 'Create or update the signed-in user',
        description: 'Only `sub` is required.',
        body: V0UserSchema,
        response: {
          200: describedAs('The updated user', UserSchema),
          201: describedAs('The new user', UserSchema),
          ...problemResponses(
            invalidInput('/sub', 'is missing'),
            'malformed_body',
            'not_your_account',
            'body_too_large',
            'unsupported_media_type'
          )
        }
      }
    },
    async (request, reply) => {
      const { user, created } = await syncUser(
        { database, defaultTimeZone, now },
        request.user.sub,
        toProfile(request.body)
      )
      return reply.code(created ? 201 : 200).send(presentUser(user))
    }
  )

  app.get(
    '/api/sessions',
    {
      config: readConfig,
      schema: {
        ...common,
        operationId: 'v0ListSessions',
        summary: 'The whole history with scores and feedback, newest first',
        description: 'Sent in pieces. A failure after the first one destroys the connection.',
        response: {
          200: describedAs('The history', V0HistorySchema),
          ...problemResponses('storage_unavailable')
        }
      }
    },
    async (request, reply) => sendJsonPieces(reply, await readHistory(readingFor(request), request.user.sub))
  )

  app.get(
    '/api/sessions/:id',
    {
      config: readConfig,
      schema: {
        ...common,
        operationId: 'v0GetSession',
        summary: 'One row of the history',
        description: 'With its score and its feedback.',
        params: SessionParamsSchema,
        response: {
          200: describedAs('The session', V0SessionSchema),
          ...problemResponses(INVALID_ID, 'session_not_found', 'storage_unavailable')
        }
      }
    },
    async (request, reply) =>
      sendJsonPieces(
        reply,
        await readRow(readingFor(request), { id: request.params.id, sub: request.user.sub })
      )
  )

  await app.register(saveRoute, { config, playbackUrls })

  app.delete(
    '/api/sessions/:id',
    {
      config: { waitsForStorage: true },
      schema: {
        ...common,
        operationId: 'v0DeleteSession',
        summary: 'Delete a session and its recording',
        description:
          'After an error the session is still there, perhaps without its recording. Repeat the request to finish.',
        params: SessionParamsSchema,
        response: {
          204: Type.Null({ description: 'Row and recording are deleted' }),
          ...problemResponses(
            INVALID_ID,
            'malformed_body',
            'session_not_found',
            'body_too_large',
            'unsupported_media_type',
            'storage_unavailable',
            'session_busy'
          )
        }
      }
    },
    async (request, reply) => {
      await deleteSession(sessions, { sub: request.user.sub, id: request.params.id.toLowerCase() })
      return reply.code(204).send(null)
    }
  )

  app.get(
    '/api/stats',
    {
      schema: {
        ...common,
        operationId: 'v0GetStats',
        summary: 'Minutes per day of this week, streak and total',
        description: "Days and week are those of the user's time zone.",
        response: { 200: describedAs('The stats as of now', UserStatsSchema), ...problemResponses() }
      }
    },
    async (request) =>
      userStats(database, { sub: request.user.sub, timeZone: undefined, defaultTimeZone, now: now() })
  )
}

export default v0Routes
