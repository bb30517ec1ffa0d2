import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { problemResponses } from '../http/response-schemas.ts'
import { deleteAccount } from './delete-account.ts'

/** `/api/users/me`: what a person may do with all of their data. */
const accountRoutes: FastifyPluginAsyncTypebox = async (app) => {
  app.delete(
    '/users/me',
    {
      config: { waitsForStorage: true },
      schema: {
        operationId: 'deleteAccount',
        summary: 'Delete the account with all sessions and recordings',
        description:
          'Safe to repeat: after an error, repeating finishes the work. The next sync makes a new, empty account. ' +
          'The sign-in at the issuer stays.',
        tags: ['Users'],
        response: {
          204: Type.Null({
            description: 'Sessions, recordings and the user are deleted, or there was no account'
          }),
          ...problemResponses(
            'malformed_body',
            'body_too_large',
            'unsupported_media_type',
            'storage_unavailable',
            'session_busy'
          )
        }
      }
    },
    async (request, reply) => {
      await deleteAccount(app.sessions, request.user.sub)
      return reply.code(204).send(null)
    }
  )
}

export default accountRoutes
