import { AsyncLocalStorage } from 'node:async_hooks'
import type { Span } from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { traceCalls } from './calls.ts'
import { createProvider } from './provider.ts'
import { traceRequests } from './requests.ts'

/**
 * Sends one trace of each request to an OpenTelemetry collector: the request, its statements, and its calls of the
 * storage and the issuer. It uses hooks and the diagnostics channels alone. Import it only where traces
 * are wanted, because it loads OpenTelemetry. Register it before the routes.
 */
async function tracing(app: FastifyInstance, options: { tracing: NonNullable<Config['tracing']> }) {
  const provider = createProvider(options.tracing, app.log)
  const tracing = { tracer: provider.getTracer('harmony-helper'), active: new AsyncLocalStorage<Span>() }
  traceRequests(app, tracing)
  const stops = traceCalls(tracing)
  app.addHook('onClose', async () => {
    stops.forEach((stop) => stop())
    await provider.close()
  })
}

export default fp(tracing, { name: 'tracing' })
