import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import type { Config } from '../config.ts'
import { defineStatement } from '../database/statement-runner.ts'
import { ApiError } from '../errors.ts'
import { shareRuns } from '../share-runs.ts'

const idStatement = defineStatement('user-id', 'SELECT id FROM users WHERE auth0_id = $1')

const MAX_USERS = 10_000
/** How long the user of a token is remembered: a user may be deleted and created again. */
const LIFE_MS = 600_000

declare module 'fastify' {
  interface FastifyInstance {
    /** An onRequest hook for after the authentication. Rejects with `blocked`; database_unavailable. */
    identifyUser: (request: FastifyRequest) => Promise<void>
  }
}

/**
 * Adds the id of the user to the log lines of a request, so that an abuser can be found, and refuses blocked
 * users. The log holds neither `sub` nor e-mail, which are personal data.
 */
async function identifyUser(app: FastifyInstance, { config }: { config: Pick<Config, 'blockedUsers'> }) {
  const ids = new LRUCache<string, string>({ max: MAX_USERS, ttl: LIFE_MS })
  /** Concurrent requests of a user share one look-up: hundreds of look-ups would take all connections. */
  const readIdShared = shareRuns(readId)

  app.decorate('identifyUser', async (request) => {
    const { sub } = request.user
    const id = ids.get(sub) ?? (await readIdShared(sub))
    if (id === undefined) return // before the first sync
    addBindings(request.log, { userId: id })
    if (config.blockedUsers.has(id)) {
      throw new ApiError('blocked', 'This account is blocked. Contact the operator of this service.')
    }
  })

  async function readId(sub: string): Promise<string | undefined> {
    const [row] = await app.database.run<{ id: string }>(idStatement, [sub])
    if (row) ids.set(sub, row.id)
    return row?.id
  }
}

/** Each request has a logger of its own. Adding to it is cheaper than creating a child of it. */
function addBindings(log: FastifyBaseLogger, bindings: Record<string, unknown>) {
  const pino = log as FastifyBaseLogger & { setBindings?: (bindings: Record<string, unknown>) => void }
  pino.setBindings?.(bindings)
}

export default fp(identifyUser, { name: 'identify-user', dependencies: ['database'] })
