import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Readable } from 'node:stream'
import type { Config } from '../config.ts'
import { problemResponses } from '../http/openapi/response-schemas.ts'
import { NOT_SYNCED, readAccount } from '../users/read-account.ts'
import { deleteAccount } from './delete-account.ts'
import { exportAccount } from './export-account.ts'
import importRoute from './import/route.ts'
import { createTransferLimiter } from './transfer-limiter.ts'

/** Exports at the same time. Each reads all that its user has. */
const EXPORTS = 4

const ARCHIVE = {
  description: 'The archive',
  content: {
    'application/zip': { schema: Type.String({ title: 'Archive', contentMediaType: 'application/zip' }) }
  }
}

type Options = { config: Pick<Config, 'defaultTimeZone' | 'quotas' | 'bodies'>; now: () => Date }

/** `/api/users/me`: what a person may do with all of their data. */
const accountRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { config, now }) => {
  const { database, sessions } = app
  const { defaultTimeZone, quotas } = config
  const exports = createTransferLimiter({ what: 'export', places: EXPORTS })

  app.get(
    '/users/me/export',
    {
      config: { waitsForStorage: true, minAnswerRate: () => exports.minRate.bytesPerSecond },
      schema: {
        operationId: 'exportAccount',
        summary: 'All data of the account as a ZIP archive',
        description:
          'Account and sessions as JSON, scores as MusicXML, recordings as they were recorded, a page that plays ' +
          'them without a network, and a manifest with the SHA-256 of each file. It is sent while it is made. A ' +
          'failure after the first byte destroys the connection; an incomplete archive cannot be opened. Then ' +
          'start the export again.',
        tags: ['Users'],
        response: {
          200: ARCHIVE,
          ...problemResponses(NOT_SYNCED, 'server_busy', 'storage_unavailable')
        }
      }
    },
    async (request, reply) => {
      const { sub } = request.user
      const account = await readAccount({ database, defaultTimeZone, quotas, now }, sub)
      const day = now().toISOString().slice(0, 10)
      reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename="harmony-helper-${day}.zip"`)
      if (request.method === 'HEAD') return reply.send(Readable.from([]))
      const release = exports.acquire(sub)
      return reply.send(exportAccount(sessions, account).once('close', release))
    }
  )

  await app.register(importRoute, { config })

  app.delete(
    '/users/me',
    {
      config: { waitsForStorage: true },
      schema: {
        operationId: 'deleteAccount',
        summary: 'Delete the account with all sessions and recordings',
        description:
          'Safe to repeat: after an error, repeating finishes the work. The next sync makes a new, empty account. ' +
          'It does not delete the sign-in at Auth0.',
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
      await deleteAccount(sessions, request.user.sub)
      return reply.code(204).send(null)
    }
  )
}

export default accountRoutes
