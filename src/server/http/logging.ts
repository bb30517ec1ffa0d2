import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import type { Config } from '../config.ts'

/**
 * Pino options under which no token, no body, no query string, no address of a person and no SQL value can reach the
 * log: requests are reduced to method and path, errors to what locates a fault.
 */
export function loggerOptions(config: Pick<Config, 'logLevel'>): FastifyServerOptions['logger'] {
  return {
    level: config.logLevel,
    redact: {
      paths: ['*.authorization', '*.headers', '*.body', '*.token', '*.password', '*.serviceKey'],
      remove: true
    },
    serializers: { req: describeRequest, res: describeReply, err: describeError }
  }
}

// The route's pattern rather than the URL: ids of people and of sessions, and tokens in query strings, stay out.
const describeRequest = (request: FastifyRequest) =>
  ({ method: request.method, route: request.routeOptions?.url ?? 'unknown' }) as {
    method: string
    url?: string
  }

const describeReply = (reply: { statusCode: number } | FastifyReply) => ({ statusCode: reply.statusCode })

type Described = { type: string; message: string; stack: string; code?: string; cause?: Described }

// Drivers put rows and parameters into `detail`, `meta` and friends; only what is named here gets through.
function describeError(error: Error & { code?: unknown }, depth = 0): Described {
  return {
    type: error.constructor?.name ?? 'Error',
    message: String(error.message).slice(0, 500),
    stack: depth === 0 ? framesOf(error) : '',
    ...(typeof error.code === 'string' && { code: error.code }),
    ...(error.cause instanceof Error && depth < 3 && { cause: describeError(error.cause, depth + 1) })
  }
}

// Without the message, which heads the stack once more and uncut.
const framesOf = ({ stack = '' }: Error) =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
