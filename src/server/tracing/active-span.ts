import type { AsyncLocalStorage } from 'node:async_hooks'
import { ROOT_CONTEXT, trace, type Context, type Span, type Tracer } from '@opentelemetry/api'

/** `active` holds the span of the call or request that the running code belongs to. */
export type Tracing = { tracer: Tracer; active: AsyncLocalStorage<Span | undefined> }

/** The context of a span's children. */
export const contextOf = (span: Span): Context => trace.setSpan(ROOT_CONTEXT, span)
