import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { NewSessionSchema, SavedSessionSchema } from '../../contract/sessions.ts'
import type { Config } from '../config.ts'
import { toNewSession } from '../frontend-names.ts'
import { problemResponses, withHeader } from '../http/response-schemas.ts'
import { readNewSession } from './content.ts'
import { describeSession, type SessionDescription } from './presenter.ts'
import type { SessionHead } from './repository.ts'
import type { SaveSession } from './save-session.ts'
import { sendSession } from './send-session.ts'
import receiveUploads from './upload/plugin.ts'
import { bodyLimit } from './upload/upload.ts'

type Options = {
  config: Pick<Config, 'maxRecordingBytes' | 'upload'>
  now: () => Date
  saveSession: SaveSession
  present: (session: SessionHead) => Promise<SessionDescription>
}

/** `POST /api/sessions`, in bounded memory. */
const saveRoute: FastifyPluginAsyncTypebox<Options> = async (app, { config, now, saveSession, present }) => {
  await app.register(receiveUploads, { config })

  app.post(
    '/sessions',
    {
      bodyLimit: bodyLimit(config.maxRecordingBytes),
      schema: {
        operationId: 'saveSession',
        summary: 'Save a completed session',
        description:
          'All or nothing. With an `id` of your own it is safe to repeat: the same content again answers 200 and writes nothing.',
        tags: ['Sessions'],
        body: NewSessionSchema,
        response: {
          200: { ...SavedSessionSchema, description: 'This very session was saved before' },
          201: withHeader(
            { ...SavedSessionSchema, description: 'Saved: row, recording and streak are there' },
            'Location',
            'The path of the session'
          ),
          ...problemResponses(
            'invalid_input',
            'malformed_body',
            'upload_stalled',
            'user_not_synced',
            'id_reused',
            'body_too_large',
            'recording_too_large',
            'unsupported_media_type',
            'unsupported_recording',
            'storage_unavailable',
            'session_busy',
            'server_busy'
          )
        }
      },
      preValidation: async (request) => {
        request.body = toNewSession(request.body) as typeof request.body
      }
    },
    async (request, reply) => {
      const content = await readNewSession(request.body, {
        now: now(),
        recording: async () => request.upload?.recording() ?? null
      })
      const { session, created } = await saveSession(request.user.sub, content)
      // What is saved is not to be answered with an error: without a link that plays, the next reading gives one.
      const answer = await present(session).catch((error) => {
        request.log.warn({ err: error }, 'Saved, and answered without a link that plays')
        return describeSession(session, session.audioUrl)
      })
      if (created) reply.code(201).header('location', `/api/sessions/${session.id}`)
      return sendSession(reply, { ...answer, audio_url: answer.audioUrl }, session.xmlContent)
    }
  )
}

export default saveRoute
