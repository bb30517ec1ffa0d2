import { LogController, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify'
import type { DestinationStream } from 'pino'
import type { Config } from '../config.ts'

/**
 * Pino options that keep tokens, bodies, query strings, personal addresses and SQL values out of the log: a
 * request is reduced to its method and route, an error to its type, message, code and stack.
 */
export function loggerOptions(
  config: Pick<Config, 'logLevel'>,
  output?: DestinationStream
): FastifyServerOptions['logger'] {
  return {
    level: config.logLevel,
    ...(output && { stream: output }),
    serializers: { req: describeRequest, res: describeReply, err: describeError }
  }
}

/**
 * Fastify's request log, with one line for each request, when it ends: a second one costs 40 µs. Refusals that are
 * counted instead (`isLogSuppressed`) have none.
 */
export const createRequestLog = (): LogController =>
  Object.assign(new LogController(), {
    incomingRequest() {},

    requestCompleted(error: Error | null | undefined, request: FastifyRequest, reply: FastifyReply) {
      if (reply.isLogSuppressed) return
      const line = { req: request, res: reply, responseTime: reply.elapsedTime }
      if (error) request.log.error({ ...line, err: error }, 'request errored')
      else request.log.info(line, 'request completed')
    }
  } satisfies Partial<LogController>)

// Logs the pattern of the route. The URL contains ids of sessions, and perhaps tokens in its query string.
const describeRequest = (request: FastifyRequest) =>
  ({ method: request.method, route: request.routeOptions?.url ?? 'unknown' }) as {
    method: string
    url?: string
  }

const describeReply = (reply: { statusCode: number } | FastifyReply) => ({ statusCode: reply.statusCode })

type LoggedError = { type: string; message: string; stack: string; code?: string; cause?: LoggedError }

// Copies these properties only: drivers put rows and parameters into others, such as `detail` and `meta`.
function describeError(error: Error & { code?: unknown }, depth = 0): LoggedError {
  return {
    type: error.constructor?.name ?? 'Error',
    message: String(error.message).slice(0, 500),
    stack: depth === 0 ? framesOf(error) : '',
    ...(typeof error.code === 'string' && { code: error.code }),
    ...(error.cause instanceof Error && depth < 3 && { cause: describeError(error.cause, depth + 1) })
  }
}

// Leaves out the first lines of the stack, which repeat the whole message.
const framesOf = ({ stack = '' }: Error) =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
