import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { CompletedUploadSchema, NewUploadSchema, UploadSchema } from '../../../contract/recordings.ts'
import { SessionDataSchema, SessionParamsSchema } from '../../../contract/sessions.ts'
import { describedAs, INVALID_ID, problemResponses } from '../../http/openapi/response-schemas.ts'
import { referenceOf } from '../dependencies.ts'
import type { SessionAnswers } from '../session-answers.ts'
import { beginUpload } from './begin-upload.ts'
import { completeUpload } from './complete-upload.ts'
import { deleteRecording } from './delete-recording.ts'

type Options = {
  answers: Pick<SessionAnswers, 'sendAfterWrite'>
}

/** `/api/sessions/:id/recording`: recordings of saved sessions, sent to the storage directly. */
const recordingRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { answers }) => {
  const { sessions: dependencies } = app

  app.post(
    '/sessions/:id/recording',
    {
      config: { waitsForStorage: true },
      schema: {
        operationId: 'beginUpload',
        summary: 'Begin a direct upload of a recording to the storage',
        description:
          'For long recordings. PUT the bytes to the `url` of the answer with its `contentType`, or send them to ' +
          '`resumableUrl` by TUS 1.0; then complete the upload. A new upload replaces the open one. Repeat the ' +
          'request with `uploadId` to renew the token of the open one. The announced bytes count in the quota. An ' +
          'account has at most ten open uploads. In two hours an account may begin as many uploads as recordings of ' +
          'the largest size fit in its quota, but always at least 100; further ones get 429. An upload that is not ' +
          'completed within a day is ended.',
        tags: ['Recordings'],
        params: SessionParamsSchema,
        body: NewUploadSchema,
        response: {
          201: describedAs('The storage is ready for the bytes', UploadSchema),
          ...problemResponses(
            INVALID_ID,
            'malformed_body',
            'session_not_found',
            'upload_not_found',
            'recording_exists',
            'quota_exceeded',
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
      const { sub } = request.user
      const uploadId = request.body.uploadId?.toLowerCase()
      if (uploadId === undefined) await app.begunUploads?.check(sub)
      const upload = await beginUpload(dependencies, referenceOf(request), {
        ...request.body,
        ...(uploadId && { uploadId })
      })
      if (uploadId === undefined) await app.begunUploads?.count(sub)
      return reply.code(201).send(upload)
    }
  )

  app.post(
    '/sessions/:id/recording/complete',
    {
      config: { waitsForStorage: true },
      schema: {
        operationId: 'completeUpload',
        summary: 'Verify an uploaded recording and attach it to its session',
        description:
          'The upload must have the announced length, and its bytes must be a recording; otherwise it is ' +
          'removed. Safe to repeat.',
        tags: ['Recordings'],
        params: SessionParamsSchema,
        body: CompletedUploadSchema,
        response: {
          200: describedAs('The session, with its recording', SessionDataSchema),
          ...problemResponses(
            INVALID_ID,
            'malformed_body',
            'session_not_found',
            'upload_not_found',
            'upload_incomplete',
            'quota_exceeded',
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
      const { uploadId } = request.body
      const session = await completeUpload(dependencies, referenceOf(request), uploadId.toLowerCase())
      return answers.sendAfterWrite(reply, { session, revision: session.revision })
    }
  )

  app.delete(
    '/sessions/:id/recording',
    {
      config: { waitsForStorage: true },
      schema: {
        operationId: 'deleteRecording',
        summary: 'Delete the recording of a session, and keep the session',
        description: 'Also ends an upload that has begun. Repeating finishes the work.',
        tags: ['Recordings'],
        params: SessionParamsSchema,
        response: {
          204: Type.Null({ description: 'The session has no recording' }),
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
      await deleteRecording(dependencies, referenceOf(request))
      return reply.code(204).send(null)
    }
  )
}

export default recordingRoutes
