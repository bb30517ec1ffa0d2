import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseKeyPairsIntoRecord } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes
} from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.ts'
import { reportFailures } from './report-failures.ts'
import { createSampler } from './sampler.ts'

/** How long the last spans may take to be sent when the server closes. */
const FLUSH_MS = 2000

/**
 * Creates OpenTelemetry's tracer provider. It sends spans in batches, in the background, and drops those that the
 * collector does not take. `close` sends the last ones, and never throws.
 */
export function createProvider(
  { endpoint, headers, serviceName, sampler, ratio }: NonNullable<Config['tracing']>,
  log: Pick<FastifyBaseLogger, 'info' | 'warn'>
) {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint}/v1/traces`,
    headers: parseKeyPairsIntoRecord(headers)
  })
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'host.name': hostname() }))
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ 'service.name': serviceName })),
    sampler: createSampler(sampler, ratio),
    spanProcessors: [new BatchSpanProcessor({ exporter: reportFailures(exporter, log) })]
  })

  return {
    getTracer: (name: string) => provider.getTracer(name),

    async close(): Promise<void> {
      const limit = new AbortController()
      const closed = provider.shutdown().catch(() => {}) // `reportFailures` has told it
      await Promise.race([closed, sleep(FLUSH_MS, undefined, { signal: limit.signal }).catch(() => {})])
      limit.abort()
    }
  }
}
