import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyContextConfig } from 'fastify'
import { SessionListQuerySchema, SessionListSchema } from '../../contract/session-list.ts'
import { invalidInput } from '../errors.ts'
import { sendJsonPieces } from '../http/answers/send-json-pieces.ts'
import { declareVersion, entityTagOf, hasVersion } from '../http/answers/conditional-read.ts'
import {
  describedAs,
  JSON_TYPE,
  NOT_MODIFIED,
  problemResponses,
  withHeader
} from '../http/openapi/response-schemas.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import { decodeCursor } from './cursor.ts'
import { createHistoryRepository, HISTORY_FORM, type HistoryVersion } from './history-repository.ts'
import { listHistory, listPage } from './list-sessions.ts'
import { runInTurn } from './run-in-turn.ts'

type Options = {
  routeConfig: FastifyContextConfig
  playbackUrls: PlaybackUrls
  now: () => Date
}

/** `GET /api/sessions`. */
const listRoute: FastifyPluginAsyncTypebox<Options> = async (app, { routeConfig, playbackUrls, now }) => {
  const history = createHistoryRepository(app.database.run)
  const listing = { history, playbackUrls }

  app.get(
    '/sessions',
    {
      config: routeConfig,
      schema: {
        operationId: 'listSessions',
        summary: 'The history, newest first, metadata only',
        description:
          'Without `limit` the whole history, with it one page. ' +
          'The `Link` header (`rel="next"`) leads to the following page.',
        tags: ['Sessions'],
        querystring: SessionListQuerySchema,
        response: {
          200: withHeader(
            describedAs('The history, or a page of it', SessionListSchema),
            'Link',
            'RFC 8288; `rel="next"` leads to the following page'
          ),
          304: NOT_MODIFIED,
          ...problemResponses(invalidInput('limit', 'must be integer'), 'storage_unavailable')
        }
      },
      preValidation: async ({ query }) => {
        Object.assign(query, { limit: toWholeNumber(query.limit) })
      }
    },
    async (request, reply) => {
      const { cursor, limit } = request.query
      const { sub } = request.user
      const query = { sub, after: cursor === undefined ? undefined : decodeCursor(cursor) }
      const period = playbackUrls.period(now())
      const tagOf = ({ userId, revision }: HistoryVersion) =>
        entityTagOf([userId, revision, cursor, limit, period, HISTORY_FORM])

      if (request.headers['if-none-match'] !== undefined) {
        const version = await history.findVersion(sub)
        const tag = version && tagOf(version)
        if (tag && hasVersion(request, tag)) {
          declareVersion(reply, tag)
          return reply.code(304).send(null)
        }
      }
      const inTurn = () => createHistoryRepository(runInTurn(app.database.run, request))
      const { items, link, version } =
        limit === undefined
          ? await listHistory({ ...listing, later: inTurn() }, query)
          : await listPage(listing, { ...query, limit })
      if (version) declareVersion(reply, tagOf(version))
      if (link) reply.header('link', link)
      return typeof items === 'string' ? reply.type(JSON_TYPE).send(items) : sendJsonPieces(reply, items)
    }
  )
}

/** Query values are strings. What is no whole number stays as it is, for validation to refuse. */
const toWholeNumber = (value: unknown) =>
  typeof value === 'string' && /^[1-9]\d*$/.test(value) ? Number(value) : value

export default listRoute
