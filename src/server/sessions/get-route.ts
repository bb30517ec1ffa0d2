import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyContextConfig } from 'fastify'
import { SessionDataSchema, SessionParamsSchema } from '../../contract/sessions.ts'
import { declareVersion, hasVersion } from '../http/answers/conditional-read.ts'
import {
  describedAs,
  INVALID_ID,
  NOT_MODIFIED,
  problemResponses,
  withHeader
} from '../http/openapi/response-schemas.ts'
import { referenceOf, type SessionReference } from './dependencies.ts'
import type { ReadSession } from './read-session.ts'
import type { SessionAnswers } from './session-answers.ts'

type Options = {
  routeConfig: FastifyContextConfig
  read: (reference: SessionReference) => Promise<ReadSession>
  answers: SessionAnswers
}

/** `GET /api/sessions/:id`. */
const getRoute: FastifyPluginAsyncTypebox<Options> = async (app, { routeConfig, read, answers }) => {
  app.get(
    '/sessions/:id',
    {
      config: routeConfig,
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
      const found = await read(referenceOf(request))
      const tag = answers.tagOf(found)
      declareVersion(reply, tag)
      if (hasVersion(request, tag)) return reply.code(304).send(null)
      return answers.sendAfterRead(reply, found)
    }
  )
}

export default getRoute
