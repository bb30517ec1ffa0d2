import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { SessionParamsSchema } from '../../contract/sessions.ts'
import { INVALID_ID, problemResponses } from '../http/openapi/response-schemas.ts'
import { deleteSession } from './delete-session.ts'
import { referenceOf } from './dependencies.ts'

/** `DELETE /api/sessions/:id`. */
const deleteRoute: FastifyPluginAsyncTypebox = async (app) => {
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
      await deleteSession(app.sessions, referenceOf(request))
      return reply.code(204).send(null)
    }
  )
}

export default deleteRoute
