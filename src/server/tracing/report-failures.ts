import { ExportResultCode } from '@opentelemetry/core'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { FastifyBaseLogger } from 'fastify'

/** The exporter, with one log line when the collector stops taking spans, and one when it takes them again. */
export function reportFailures(
  exporter: SpanExporter,
  log: Pick<FastifyBaseLogger, 'info' | 'warn'>
): SpanExporter {
  let isFailing = false

  function report({ code, error }: { code: ExportResultCode; error?: Error }) {
    const hasFailed = code !== ExportResultCode.SUCCESS
    if (hasFailed === isFailing) return
    isFailing = hasFailed
    if (hasFailed) log.warn({ err: error }, 'The collector of traces is unavailable: traces are dropped')
    else log.info('The collector of traces is available again')
  }

  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        report(result)
        done(result)
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown()
  }
}
