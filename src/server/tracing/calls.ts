import type { TracingChannel } from 'node:diagnostics_channel'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api'
import {
  cleanUpRounds,
  databaseCalls,
  keySetReads,
  leaseAcquisitions,
  nameOf,
  storageCalls,
  transactionQueries
} from '../diagnostics.ts'
import { ApiError } from '../errors.ts'
import { operationOf } from '../storage/operations.ts'
import { contextOf, type Tracing } from './active-span.ts'

type Call = { result?: unknown; error?: unknown }
type Description = { name: string; kind?: SpanKind; attributes?: Attributes }

/**
 * Traces the calls that are published on the diagnostics channels, as children of the request or call that they belong
 * to. Only a round of the clean-up begins a trace of its own.
 * @returns functions that unsubscribe
 */
export function traceCalls({ tracer, active }: Tracing): Array<() => void> {
  function traceChannel<C extends Call>(
    channel: TracingChannel<unknown, C>,
    describe: (call: C) => Description,
    { isRoot = false } = {}
  ) {
    const spans = new WeakMap<object, Span>()
    const start = (call: C) => {
      const parent = active.getStore()
      if (!parent && !isRoot) return undefined
      const { name, ...options } = describe(call)
      const span = tracer.startSpan(name, options, parent ? contextOf(parent) : ROOT_CONTEXT)
      if (!span.isRecording()) return undefined
      spans.set(call, span)
      return span
    }
    const end = {
      asyncEnd(call: C) {
        const span = spans.get(call)
        if (span) endSpan(span, call)
      }
    } as Parameters<typeof channel.subscribe>[0]
    channel.start.bindStore(active, start as (call: unknown) => Span | undefined)
    channel.subscribe(end)
    return () => {
      channel.start.unbindStore(active)
      channel.unsubscribe(end)
    }
  }

  return [
    traceChannel(databaseCalls, describeQuery),
    traceChannel(transactionQueries, describeQuery),
    traceChannel(storageCalls, (call) => ({
      name: `storage ${operationOf(call)}`,
      kind: SpanKind.CLIENT,
      attributes: { 'peer.service': 'storage', 'http.request.method': call.method }
    })),
    traceChannel(keySetReads, () => ({
      name: 'read key set',
      kind: SpanKind.CLIENT,
      attributes: { 'peer.service': 'issuer' }
    })),
    traceChannel(leaseAcquisitions, () => ({ name: 'acquire lease' })),
    traceChannel(cleanUpRounds, () => ({ name: 'clean up' }), { isRoot: true })
  ]
}

const describeQuery = (call: { call: string }): Description => ({
  name: nameOf(call),
  kind: SpanKind.CLIENT,
  attributes: { 'db.system.name': 'postgresql', 'db.query.summary': nameOf(call) }
})

/** Names an error by its code alone: the messages of PostgreSQL contain values. */
function endSpan(span: Span, { result, error }: Call) {
  if (result instanceof Response) span.setAttribute('http.response.status_code', result.status)
  if (error !== undefined) span.setAttribute('error.type', typeOf(error))
  if (isFailure(result, error)) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

function typeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return String(code ?? name ?? 'unknown')
}

function isFailure(result: unknown, error: unknown): boolean {
  if (error === undefined) return result instanceof Response && result.status >= 400
  return !(error instanceof ApiError && error.statusCode < 500)
}
