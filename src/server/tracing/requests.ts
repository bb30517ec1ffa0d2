import { defaultTextMapGetter, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toApiError } from '../http/problems/to-api-error.ts'
import { storePerRequest } from '../http/request-store.ts'
import type { Tracing } from './active-span.ts'

/** Balancers ask for them every few seconds. */
const UNTRACED = new Set(['/healthz', '/readyz'])

const propagator = new W3CTraceContextPropagator()

/**
 * One server span for each request. It ends when the answer is sent or the client disconnects, and continues the
 * caller's trace if `traceparent` is present (W3C Trace Context). The span has no id of a user or a session. The log
 * lines of the request have its ids, in OpenTelemetry's fields for logs.
 */
export function traceRequests(app: FastifyInstance, { tracer, active }: Tracing): void {
  const spanOf = storePerRequest(app, active, (request, reply) => {
    const span = startSpan(request)
    if (!span?.isRecording()) return undefined
    const { traceId, spanId } = span.spanContext()
    request.log = reply.log = request.log.child({ trace_id: traceId, span_id: spanId })
    reply.raw.once('close', () => endSpan(span, reply))
    return span
  })

  app.addHook('onError', (request, _reply, error: FastifyError, done) => {
    const { code, statusCode } = toApiError(error)
    if (statusCode >= 500) spanOf(request)?.setAttribute('error.type', code)
    done()
  })

  function startSpan(request: FastifyRequest): Span | undefined {
    const { method, routeOptions, headers, protocol } = request
    const route = routeOptions.url
    if (route !== undefined && UNTRACED.has(route)) return undefined
    return tracer.startSpan(
      route === undefined ? method : `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': method,
          'url.scheme': protocol,
          ...(route && { 'http.route': route })
        }
      },
      propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
    )
  }
}

function endSpan(span: Span, { raw }: FastifyReply) {
  if (raw.writableFinished) span.setAttribute('http.response.status_code', raw.statusCode)
  else span.setAttribute('error.type', 'aborted')
  if (raw.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
