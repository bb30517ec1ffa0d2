import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import { SessionDataSchema, SessionParamsSchema } from '../../contract/sessions.ts'
import type { Config } from '../config.ts'
import { declareVersion, hasVersion } from '../http/answers/conditional-read.ts'
import { revisionTag } from '../http/answers/entity-tag.ts'
import {
  describedAs,
  INVALID_ID,
  JSON_TYPE,
  NOT_MODIFIED,
  problemResponses,
  withHeader
} from '../http/openapi/response-schemas.ts'
import { createPlaybackUrls } from '../storage/playback-urls.ts'
import { referenceOf } from './dependencies.ts'
import { deleteSession } from './delete-session.ts'
import editRoute from './edit-route.ts'
import { editSession } from './edit-session.ts'
import listRoute from './list-route.ts'
import { describeSession, withPlaybackUrl } from './presenter.ts'
import { readSession, type ReadSession } from './read-session.ts'
import recordingRoutes from './recording/routes.ts'
import { createSessionRepository, type StoredSession } from './repository.ts'
import saveRoute from './save-route.ts'
import { runInTurn } from './run-in-turn.ts'
import { scoresOf } from './score-repository.ts'
import { sendSession } from './send-session.ts'
import { createSessionJsonRepository } from './session-json-repository.ts'
import receiveUploads from './upload/plugin.ts'

type Options = {
  config: Pick<Config, 'maxRecordingBytes' | 'storage' | 'upload'>
  now: () => Date
}

/** The routes under `/api/sessions`. */
const sessionRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { config, now }) => {
  const { database, storage, log, sessions: dependencies } = app
  const sessions = createSessionRepository(database.queries)
  const playbackUrls = createPlaybackUrls({ storage, ...config.storage })

  /** Signing URLs takes a call of the storage. */
  const readConfig = { waitsForStorage: !playbackUrls.areCanonical }

  const reading = { sessionsAsJson: createSessionJsonRepository(database.run), sessions }

  const tagOf = ({ revision }: { revision: number }) => revisionTag(revision, playbackUrls.period(now()))

  const present = async (session: StoredSession, { urls = playbackUrls, run = database.run } = {}) =>
    describeSession(session, await urls.resolveOne(session.audioUrl), scoresOf(run, session))

  const answer = async (reply: FastifyReply, session: StoredSession, urls = playbackUrls) => {
    const run = runInTurn(database.run, reply.request)
    return sendSession(reply.header('etag', tagOf(session)), await present(session, { urls, run }))
  }

  const sendRead = async (reply: FastifyReply, { session, revision }: ReadSession, urls = playbackUrls) => {
    if (typeof session !== 'string') return answer(reply, session, urls)
    const json = await withPlaybackUrl(session, urls)
    return reply.header('etag', tagOf({ revision })).type(JSON_TYPE).send(json)
  }

  /** The session is written: a missing signed URL must not turn the answer into an error. The next read has one. */
  const urlsAfterWrite = {
    ...playbackUrls,
    resolveOne: (audioUrl: string | null) =>
      playbackUrls.resolveOne(audioUrl).catch((error) => {
        log.warn({ err: error }, 'The session is written, and its answer has no playable URL')
        return audioUrl
      })
  }

  await app.register(listRoute, { routeConfig: readConfig, playbackUrls, now })

  app.get(
    '/sessions/:id',
    {
      config: readConfig,
      schema: {
        operationId: 'getSession',
        summary: 'One session with its score and its feedback',
        description:
          'A large score is sent in pieces. A failure after the first one destroys the connection.',
        tags: ['Sessions'],
        params: SessionParamsSchema,
        response: {
          200: withHeader(
            describedAs('The session', SessionDataSchema),
            'ETag',
            'The version of the session'
          ),
          304: NOT_MODIFIED,
          ...problemResponses(INVALID_ID, 'session_not_found', 'storage_unavailable')
        }
      }
    },
    async (request, reply) => {
      const read = await readSession(reading, referenceOf(request))
      const tag = tagOf(read)
      declareVersion(reply, tag)
      if (hasVersion(request, tag)) return reply.code(304).send(null)
      return sendRead(reply, read)
    }
  )

  // A scope of its own: its body parser receives large bodies in bounded memory.
  await app.register(async (scope) => {
    await scope.register(receiveUploads, { config })
    await scope.register(saveRoute, {
      config,
      present: (session) => present(session, { urls: urlsAfterWrite }),
      tagOf
    })
    await scope.register(editRoute, {
      routeConfig: readConfig,
      editSession: (reference, edit) => editSession(dependencies, reference, edit),
      answer: async (reply, reference) =>
        sendRead(reply, await readSession(reading, reference), urlsAfterWrite)
    })
  })

  app.delete(
    '/sessions/:id',
    {
      config: { waitsForStorage: true },
      schema: {
        operationId: 'deleteSession',
        summary: 'Delete a session and its recording',
        description:
          'After an error the session is still there, perhaps without its recording. Repeat the request to finish.',
        tags: ['Sessions'],
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
      await deleteSession(dependencies, referenceOf(request))
      return reply.code(204).send(null)
    }
  )

  await app.register(recordingRoutes, { dependencies, answer })
}

export default sessionRoutes
