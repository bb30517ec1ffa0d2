import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { LogLevel } from 'fastify'
import fp from 'fastify-plugin'
import { ReadinessSchema } from '../../contract/readiness.ts'
import type { Config } from '../config.ts'
import { readMigrationNames } from '../database/migrations/read.ts'
import type { ConfigurationFault } from '../errors.ts'
import { describedAs, openProblemResponses } from '../http/openapi/response-schemas.ts'
import { findDatabaseFaults } from './checks/database.ts'
import { findSpoolFaults } from './checks/spool.ts'
import { createMonitor } from './monitor.ts'

const HealthSchema = Type.Object(
  { status: Type.String() },
  { title: 'Health', description: 'The process is alive', examples: [{ status: 'ok' }] }
)

type Options = { config: Pick<Config, 'database' | 'defaultTimeZone'> }

/** Checks what the server depends on, and reports it under `/healthz` and `/readyz`, which need no token. */
const health: FastifyPluginAsyncTypebox<Options> = async (app, { config }) => {
  const { database, storage, signingKeys } = app
  const expected = {
    schema: config.database.schema,
    migrations: await readMigrationNames(),
    timeZone: config.defaultTimeZone
  }

  async function checkDatabase(): Promise<ConfigurationFault[]> {
    const finding = findDatabaseFaults(database.runUngated, expected)
    // An unknown DEFAULT_TIME_ZONE does not stop the requests of users with another zone.
    database.gate.setResult(finding.then((faults) => faults.find(({ code }) => code !== 'time_zone_unknown')))
    return finding
  }

  const monitor = createMonitor(
    {
      database: checkDatabase,
      storage: () => storage.ensureBuckets(),
      issuer: () => signingKeys.check().then(() => []),
      spool: findSpoolFaults
    },
    // The keys of the issuer have a cache of their own, which is filled when the first token comes.
    { log: app.log, onDemand: ['issuer'] }
  )
  const closing = new AbortController()
  app.addHook('onReady', async () => {
    monitor.watch(closing.signal)
  })
  app.addHook('preClose', async () => closing.abort())

  // Platforms call these routes every few seconds, so they log failures only. A higher configured level wins.
  const logLevel = ['error', 'fatal', 'silent'].includes(app.log.level) ? (app.log.level as LogLevel) : 'warn'

  app.get(
    '/healthz',
    {
      logLevel,
      schema: {
        operationId: 'getHealth',
        summary: 'The process is alive',
        description: 'Checks only the process: 503 once it is about to close. Point load balancers at it.',
        tags: ['Health'],
        security: [],
        response: {
          200: HealthSchema,
          503: describedAs('The server is about to close', HealthSchema),
          ...openProblemResponses()
        }
      }
    },
    async (_request, reply) =>
      app.isDraining ? reply.code(503).send({ status: 'draining' }) : { status: 'ok' }
  )

  app.get(
    '/readyz',
    {
      logLevel,
      schema: {
        operationId: 'getReadiness',
        summary: 'All dependencies are available and set up correctly',
        description:
          'A fault affects only the requests that need what is faulty. Point load balancers at `/healthz`. ' +
          'For each fault the log has the sentence that says what to change.',
        tags: ['Health'],
        security: [],
        response: {
          200: describedAs('All checks passed', ReadinessSchema),
          503: describedAs('A check has found a fault', ReadinessSchema),
          ...openProblemResponses()
        }
      }
    },
    async (_request, reply) => {
      const readiness = await monitor.report()
      const status = app.isDraining ? 'draining' : readiness.status
      return reply.code(status === 'ready' ? 200 : 503).send({ ...readiness, status })
    }
  )
}

export default fp(health, {
  name: 'health',
  dependencies: ['database', 'storage', 'auth', 'drain-connections'],
  encapsulate: true
})
