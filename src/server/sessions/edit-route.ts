import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyContextConfig } from 'fastify'
import { SessionChangesSchema } from '../../contract/session-input.ts'
import { SessionDataSchema, SessionParamsSchema } from '../../contract/sessions.ts'
import { revisionsIn } from '../http/answers/revision-tag.ts'
import { describedAs, INVALID_ID, problemResponses, withHeader } from '../http/openapi/response-schemas.ts'
import { readChanges } from './content.ts'
import { referenceOf, type SessionReference } from './dependencies.ts'
import { editSession } from './edit-session.ts'
import type { ReadSession } from './read-session.ts'
import type { SessionAnswers } from './session-answers.ts'
import { MAX_TEXT_BYTES } from './body/receive-session-body.ts'

type Options = {
  routeConfig: FastifyContextConfig
  read: (reference: SessionReference) => Promise<ReadSession>
  answers: Pick<SessionAnswers, 'sendAfterWrite'>
}

/** `PATCH /api/sessions/:id`. Needs the plugin `receive-session-bodies`. */
const editRoute: FastifyPluginAsyncTypebox<Options> = async (app, { routeConfig, read, answers }) => {
  app.addContentTypeParser('application/merge-patch+json', app.receiveJson)

  app.patch(
    '/sessions/:id',
    {
      config: routeConfig,
      bodyLimit: MAX_TEXT_BYTES,
      schema: {
        operationId: 'editSession',
        summary: 'Change members of a session',
        description:
          'A JSON merge patch (RFC 7396), as `application/merge-patch+json` or `application/json`: members that are ' +
          'left out stay, and null clears. With `If-Match` the session is only changed if it still has that `ETag`.',
        tags: ['Sessions'],
        params: SessionParamsSchema,
        body: SessionChangesSchema,
        response: {
          200: withHeader(
            describedAs('The session with its changes', SessionDataSchema),
            'ETag',
            'The version of the session'
          ),
          ...problemResponses(
            INVALID_ID,
            'malformed_body',
            'session_not_found',
            'upload_stalled',
            'precondition_failed',
            'quota_exceeded',
            'body_too_large',
            'unsupported_media_type',
            'storage_unavailable',
            'session_busy',
            'server_busy'
          )
        }
      }
    },
    async (request, reply) => {
      const reference = referenceOf(request)
      const changes = readChanges(request.body)
      const revisions = revisionsIn(request.headers['if-match'])
      await editSession(app.sessions, reference, { changes, revisions })
      return answers.sendAfterWrite(reply, await read(reference))
    }
  )
}

export default editRoute
