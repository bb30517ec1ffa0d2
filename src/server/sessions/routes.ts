import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import {
  SessionDataSchema,
  SessionListQuerySchema,
  SessionListSchema,
  SessionParamsSchema
} from '../../contract/sessions.ts'
import type { Config } from '../config.ts'
import { problemResponses, withHeader } from '../http/response-schemas.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { createPlaybackUrls } from '../storage/playback-urls.ts'
import { sessionNotFound } from './errors.ts'
import { describeSession } from './presenter.ts'
import { createDeletions } from './delete-session.ts'
import { createDirectUploads } from './recording/direct-uploads.ts'
import { createLeases } from './leases.ts'
import recordingRoutes from './recording/routes.ts'
import {
  createSessionRepository,
  type HistoryRow,
  type SessionHead,
  type StoredSession
} from './repository.ts'
import saveRoute from './save-route.ts'
import { createSaveSession } from './save-session.ts'
import { sendSession } from './send-session.ts'

type Options = {
  config: Pick<Config, 'defaultTimeZone' | 'maxRecordingBytes' | 'sessionLeaseMs' | 'storage' | 'upload'>
  now: () => Date
}

/** `/api/sessions` (seed, "Session Routes"). */
const sessionRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { config, now }) => {
  const sessions = createSessionRepository(app.database.queries)
  const leases = createLeases(app.database.queries, {
    leaseMs: config.sessionLeaseMs,
    waitMs: config.storage.timeoutMs
  })
  const dependencies = {
    database: app.database,
    storage: app.storage,
    leases,
    now,
    defaultTimeZone: config.defaultTimeZone,
    log: app.log
  }
  const { deleteSession, deleteRecording } = createDeletions(dependencies)
  const uploads = createDirectUploads({ ...dependencies, maxRecordingBytes: config.maxRecordingBytes })
  const links = createPlaybackUrls({ storage: app.storage, ...config.storage })

  /** The wire's form without the score, with a URL that plays. */
  async function present(session: SessionHead) {
    const [audioUrl = null] = await links.resolve([session.audioUrl])
    return describeSession(session, audioUrl)
  }

  const answer = async (reply: FastifyReply, session: StoredSession) =>
    sendSession(reply, await present(session), sessions.scoreOf(session))

  app.get(
    '/sessions',
    {
      schema: {
        operationId: 'listSessions',
        summary: 'The history, newest first, metadata only',
        description:
          'Without `limit` the whole history. With it a page; the `Link` header (`rel="next"`) leads to the following one.',
        tags: ['Sessions'],
        querystring: SessionListQuerySchema,
        response: {
          200: withHeader(SessionListSchema, 'Link', 'RFC 8288; `rel="next"` leads to the following page'),
          ...problemResponses('invalid_input', 'storage_unavailable')
        }
      }
    },
    async (request, reply) => {
      const { cursor, limit: limitText } = request.query
      const limit = limitText === undefined ? undefined : Number(limitText)
      const rows = await sessions.list({
        sub: request.user.sub,
        after: cursor === undefined ? undefined : decodeCursor(cursor),
        limit: limit && limit + 1
      })
      const page = limit === undefined ? rows : rows.slice(0, limit)
      if (page.length < rows.length) reply.header('link', nextPage(page.length, page.at(-1)))
      const audioUrls = await links.resolve(page.map((row) => row.audio_url))
      return page.map((row, index) => ({ ...row, audio_url: audioUrls[index] ?? null }))
    }
  )

  app.get(
    '/sessions/:id',
    {
      schema: {
        operationId: 'getSession',
        summary: 'One session, whole',
        tags: ['Sessions'],
        params: SessionParamsSchema,
        response: {
          200: SessionDataSchema,
          ...problemResponses('invalid_input', 'session_not_found', 'storage_unavailable')
        }
      }
    },
    async (request, reply) => {
      const session = await sessions.findOwned(request.params.id, request.user.sub)
      if (!session) throw sessionNotFound()
      return answer(reply, session)
    }
  )

  // In a scope of its own: no other route receives recordings.
  await app.register(saveRoute, { config, now, saveSession: createSaveSession(dependencies), present })

  app.delete(
    '/sessions/:id',
    {
      schema: {
        operationId: 'deleteSession',
        summary: 'Delete a session and its recording',
        tags: ['Sessions'],
        params: SessionParamsSchema,
        response: {
          204: Type.Null({ description: 'Row and recording are gone' }),
          ...problemResponses(
            'invalid_input',
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
      await deleteSession(request.user.sub, request.params.id.toLowerCase())
      return reply.code(204).send(null)
    }
  )

  await app.register(recordingRoutes, { uploads, deleteRecording, answer })
}

// Relative, so that it is right behind any proxy.
const nextPage = (limit: number, last: HistoryRow | undefined) =>
  last ? `</api/sessions?limit=${limit}&cursor=${encodeCursor(last.position)}>; rel="next"` : undefined

export default sessionRoutes
