import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { NewSessionSchema } from '../../contract/session-input.ts'
import { SessionDataSchema } from '../../contract/sessions.ts'
import type { Config } from '../config.ts'
import { acceptEqualAnswerName } from '../http/bodies/field-aliases.ts'
import { describedAs, problemResponses, withHeader } from '../http/openapi/response-schemas.ts'
import { readNewSession } from './content.ts'
import { saveSession } from './save-session.ts'
import type { SessionAnswers } from './session-answers.ts'
import { bodyLimit } from './body/receive-session-body.ts'

type Options = {
  config: Pick<Config, 'maxRecordingBytes'>
  answers: Pick<SessionAnswers, 'sendAfterWrite'>
}

/** `POST /api/sessions`. Needs the plugin `receive-session-bodies`. */
const saveRoute: FastifyPluginAsyncTypebox<Options> = async (app, { config, answers }) => {
  app.post(
    '/sessions',
    {
      bodyLimit: bodyLimit(config.maxRecordingBytes),
      config: { waitsForStorage: ({ receivedBody }) => receivedBody?.hasAudio() === true },
      schema: {
        operationId: 'saveSession',
        summary: 'Save a completed session',
        description:
          'Stores all or nothing. A save with an `id` chosen by the client is safe to repeat: ' +
          'the same content again answers 200 and writes nothing.',
        tags: ['Sessions'],
        body: NewSessionSchema,
        response: {
          200: describedAs('The same session was saved before; nothing was written', SessionDataSchema),
          201: withHeader(
            describedAs('Session, recording and streak are stored', SessionDataSchema),
            'Location',
            'The path of the session'
          ),
          ...problemResponses(
            'invalid_input',
            'malformed_body',
            'upload_stalled',
            'user_not_synced',
            'id_reused',
            'quota_exceeded',
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
        request.body = acceptEqualAnswerName(
          request.body,
          'durationSeconds',
          'duration'
        ) as typeof request.body
      }
    },
    async (request, reply) => {
      const content = await readNewSession(
        request.body,
        async () => request.receivedBody?.recording() ?? null
      )
      const { session, created } = await saveSession(
        app.sessions,
        { sub: request.user.sub, deadline: () => request.deadline },
        content
      )
      if (created) reply.code(201).header('location', `/api/sessions/${session.id}`)
      return answers.sendAfterWrite(reply, { session, revision: session.revision })
    }
  )
}

export default saveRoute
