import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { LogLevel } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../errors.ts'

const ReadinessSchema = Type.Object(
  {
    status: Type.String({ description: '`ready` or `degraded`' }),
    checks: Type.Object(
      { database: Type.String(), storage: Type.String(), issuer: Type.String() },
      { description: '`ok`, or the problem' }
    )
  },
  { examples: [{ status: 'ready', checks: { database: 'ok', storage: 'ok', issuer: 'ok' } }] }
)

/** Health checks. They need no token. */
const healthRoutes: FastifyPluginAsyncTypebox = async (app) => {
  // Platforms call these routes every few seconds, so they log failures only. A higher configured level wins.
  const logLevel = ['error', 'fatal', 'silent'].includes(app.log.level) ? (app.log.level as LogLevel) : 'warn'

  app.get(
    '/healthz',
    {
      logLevel,
      schema: {
        operationId: 'getHealth',
        summary: 'The process is alive',
        tags: ['Health'],
        security: [],
        response: { 200: Type.Object({ status: Type.String() }, { examples: [{ status: 'ok' }] }) }
      }
    },
    async () => ({ status: 'ok' })
  )

  app.get(
    '/readyz',
    {
      logLevel,
      schema: {
        operationId: 'getReadiness',
        summary: 'All dependencies are available',
        description:
          'A failed dependency affects only the requests that need it. Point load balancers at `/healthz`.',
        tags: ['Health'],
        security: [],
        response: { 200: ReadinessSchema, 503: ReadinessSchema }
      }
    },
    async (request, reply) => {
      const checks = await inspect(
        { database: app.database, storage: app.storage, issuer: app.signingKeys },
        (name, error) => request.log.warn({ err: error }, `${name} is not ready`)
      )
      const ready = Object.values(checks).every((result) => result === 'ok')
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'degraded', checks })
    }
  )
}

type Checks<T> = Record<'database' | 'storage' | 'issuer', T>

async function inspect(
  dependencies: Checks<{ check: () => Promise<void> }>,
  report: (name: string, error: unknown) => void
): Promise<Checks<string>> {
  const results = await Promise.all(
    Object.entries(dependencies).map(async ([name, dependency]) => {
      try {
        await dependency.check()
        return [name, 'ok']
      } catch (error) {
        report(name, error)
        return [name, error instanceof ApiError ? error.message : 'not ready; see the log']
      }
    })
  )
  return Object.fromEntries(results)
}

export default fp(healthRoutes, {
  name: 'health',
  dependencies: ['database', 'storage', 'auth'],
  encapsulate: true
})
