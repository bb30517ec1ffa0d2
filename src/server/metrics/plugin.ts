import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Registry } from 'prom-client'
import { countCalls } from './calls.ts'
import { countEvents } from './events.ts'
import { createInstruments } from './instruments.ts'
import { countRequests } from './requests.ts'
import { readState } from './state.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** All metrics. Only where `METRICS_PORT` is set. */
    metrics: Registry
  }
}

/**
 * Measures the server for Prometheus. It looks from outside: at hooks, at the diagnostics channels, and, for each
 * scrape, at what the plugins hold. It counts the work of this process. Register it before the routes.
 */
async function metrics(app: FastifyInstance) {
  // Loaded here, because most servers are not scraped.
  const { default: prometheus } = await import('prom-client')
  const registry = new prometheus.Registry()
  prometheus.collectDefaultMetrics({ register: registry })
  const instruments = createInstruments(prometheus, registry)

  countRequests(app, instruments)
  readState(app, instruments)
  const stops = [...countCalls(instruments), ...countEvents(instruments)]
  app.addHook('onClose', async () => stops.forEach((stop) => stop()))
  app.decorate('metrics', registry)
}

export default fp(metrics, { name: 'metrics' })
