import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import { CompletedUploadSchema, NewUploadSchema, UploadSchema } from '../../../contract/recordings.ts'
import { SessionDataSchema, SessionParamsSchema } from '../../../contract/sessions.ts'
import { problemResponses } from '../../http/response-schemas.ts'
import type { StoredSession } from '../repository.ts'
import type { createDirectUploads } from './direct-uploads.ts'

type Options = {
  uploads: ReturnType<typeof createDirectUploads>
  deleteRecording: (sub: string, id: string) => Promise<void>
  answer: (reply: FastifyReply, session: StoredSession) => Promise<FastifyReply>
}

/** `/api/sessions/:id/recording`: a recording for a session that is there already, sent past this server. */
const recordingRoutes: FastifyPluginAsyncTypebox<Options> = async (
  app,
  { uploads, deleteRecording, answer }
) => {
  app.post(
    '/sessions/:id/recording',
    {
      schema: {
        operationId: 'beginUpload',
        summary: 'Begin to upload a recording directly to the storage',
        description:
          'For long recordings. PUT the bytes to the `url` of the answer with the `contentType` of the answer, then complete the upload.',
        tags: ['Recordings'],
        params: SessionParamsSchema,
        body: NewUploadSchema,
        response: {
          201: { ...UploadSchema, description: 'The storage awaits the bytes' },
          ...problemResponses(
            'invalid_input',
            'malformed_body',
            'session_not_found',
            'recording_exists',
            'body_too_large',
            'recording_too_large',
            'unsupported_media_type',
            'unsupported_recording',
            'storage_unavailable'
          )
        }
      }
    },
    async (request, reply) => {
      const upload = await uploads.begin(request.user.sub, request.params.id.toLowerCase(), request.body)
      return reply.code(201).send(upload)
    }
  )

  app.post(
    '/sessions/:id/recording/complete',
    {
      schema: {
        operationId: 'completeUpload',
        summary: 'Verify an uploaded recording and give it to its session',
        description:
          'What arrived must be as long as was announced, and a recording by its bytes; otherwise it is removed. Safe to repeat.',
        tags: ['Recordings'],
        params: SessionParamsSchema,
        body: CompletedUploadSchema,
        response: {
          200: { ...SessionDataSchema, description: 'The session, with its recording' },
          ...problemResponses(
            'invalid_input',
            'malformed_body',
            'session_not_found',
            'recording_exists',
            'upload_incomplete',
            'body_too_large',
            'recording_too_large',
            'unsupported_media_type',
            'unsupported_recording',
            'storage_unavailable',
            'session_busy'
          )
        }
      }
    },
    async (request, reply) => {
      const session = await uploads.complete(
        request.user.sub,
        request.params.id.toLowerCase(),
        request.body.uploadId.toLowerCase()
      )
      return answer(reply, session)
    }
  )

  app.delete(
    '/sessions/:id/recording',
    {
      schema: {
        operationId: 'deleteRecording',
        summary: 'Delete the recording of a session, and keep the session',
        tags: ['Recordings'],
        params: SessionParamsSchema,
        response: {
          204: Type.Null({ description: 'The session has no recording' }),
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
      await deleteRecording(request.user.sub, request.params.id.toLowerCase())
      return reply.code(204).send(null)
    }
  )
}

export default recordingRoutes
