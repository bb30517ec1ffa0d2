import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { IncomingMessage } from 'node:http'
import { ImportSummarySchema } from '../../../contract/users.ts'
import type { Config } from '../../config.ts'
import { ApiError } from '../../errors.ts'
import { receiveBody } from '../../http/bodies/receive-body.ts'
import { describedAs, problemResponses } from '../../http/openapi/response-schemas.ts'
import { MAX_BODY_MEMORY } from '../../sessions/body/limiters.ts'
import { createUserRepository } from '../../users/repository.ts'
import { NOT_SYNCED } from '../../users/read-account.ts'
import { createTransferLimiter } from '../transfer-limiter.ts'
import { importAccount } from './import-account.ts'
import { archiveLimits } from './limits.ts'
import { createSessionParser } from './parse-session.ts'

/** Imports at the same time. Each takes three megabytes of memory. */
const IMPORTS = 8

/** Time for an archive to arrive: five gigabytes at six megabits a second. */
const IMPORT_MS = 2 * 60 * 60_000

const ARCHIVE = {
  description: 'The archive of an export',
  content: {
    'application/zip': { schema: Type.Any({ title: 'ImportedArchive', contentMediaType: 'application/zip' }) }
  }
}

type Options = { config: Pick<Config, 'quotas' | 'bodies'> }

/** `POST /api/users/me/import`. */
const importRoute: FastifyPluginAsyncTypebox<Options> = async (app, { config }) => {
  const { quotas, bodies } = config
  const limit = archiveLimits(quotas).bytes
  const imports = createTransferLimiter({ what: 'import', places: IMPORTS })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(['application/zip', 'application/x-zip-compressed'], (_request, payload, done) =>
    done(null, payload)
  )
  app.addContentTypeParser('*', (_request, _payload, done) => done(noZip()))

  app.post(
    '/users/me/import',
    {
      bodyLimit: limit,
      config: { waitsForStorage: true, bodyTimeMs: IMPORT_MS },
      schema: {
        operationId: 'importAccount',
        summary: 'Import the archive of an export',
        description:
          'Saves the sessions of the archive, of this server or another one, with their ids, scores and ' +
          'recordings; each all or nothing, while the archive arrives. Safe to repeat: sessions that the account ' +
          'has are left as they are. After an error, what was imported stays. The quotas apply.',
        tags: ['Users'],
        body: ARCHIVE,
        response: {
          200: describedAs('The archive was read to its end', ImportSummarySchema),
          ...problemResponses(
            'invalid_archive',
            'malformed_body',
            'upload_stalled',
            NOT_SYNCED,
            'body_too_large',
            noZip(),
            'storage_unavailable',
            'server_busy'
          )
        }
      }
    },
    async (request) => {
      const { user, deadline, body } = request
      if (!body) throw noZip()
      const { sub } = user
      const release = imports.acquire(sub)
      const releaseMemory = await app.memoryBudget.bodies
        .acquire(sub, deadline, MAX_BODY_MEMORY)
        .catch((error) => {
          release()
          throw error
        })
      try {
        if (!(await createUserRepository(app.database.queries).findId(sub))) throw NOT_SYNCED
        const limits = {
          limit,
          stallMs: bodies.timeoutMs,
          minRate: imports.minRate,
          signal: deadline,
          skipsRest: true
        }
        return await importAccount(
          { dependencies: app.sessions, sub, deadline, parseSession: createSessionParser(app, request) },
          receiveBody(body as IncomingMessage, limits)
        )
      } finally {
        releaseMemory()
        release()
      }
    }
  )
}

const noZip = () => new ApiError('unsupported_media_type', 'Send the archive as application/zip.')

export default importRoute
