import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import type { SessionDependencies } from './dependencies.ts'
import { createLeases } from './leases/leases.ts'
import { createBodyLimiters, type BodyLimiters } from './body/limiters.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What the use cases of sessions work with. */
    sessions: SessionDependencies
    /** Limits of concurrent saves, shared by all routes that save. */
    bodyLimiters: BodyLimiters
  }
}

type Options = {
  config: Pick<
    Config,
    'defaultTimeZone' | 'maxRecordingBytes' | 'quotas' | 'sessionLeaseMs' | 'storage' | 'bodies'
  >
  now: () => Date
}

/** Provides the use cases of sessions with what they need, once for all routes. */
async function sessions(app: FastifyInstance, { config, now }: Options) {
  const { database, storage, log } = app
  const { defaultTimeZone, maxRecordingBytes, quotas } = config
  const leases = createLeases(database.queries, {
    leaseMs: config.sessionLeaseMs,
    waitMs: config.storage.timeoutMs,
    log
  })
  app.decorate('sessions', {
    database,
    storage,
    leases,
    now,
    defaultTimeZone,
    maxRecordingBytes,
    quotas,
    log
  })
  app.decorate('bodyLimiters', createBodyLimiters(config.bodies))
}

export default fp(sessions, { name: 'sessions', dependencies: ['database', 'storage'] })
