import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { ApiError } from '../../errors.ts'
import { isRead } from './is-read.ts'
import { STREAMED_BODY_LIMIT } from './memory-budget.ts'
import { bodyStalled } from '../bodies/body-errors.ts'
import { BODY_TIMEOUT_MS } from '../server-options.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Milliseconds for the body of the route to arrive, if it may take longer than a large body. */
    bodyTimeMs?: number
  }
  interface FastifyRequest {
    /** Aborts, with the error to answer with, when the answer has not begun by the deadline of the request. */
    readonly deadline: AbortSignal
    /** Controller of `deadline`. It is created on first use, because a signal costs microseconds. */
    deadlineController: AbortController | undefined
    deadlineTimer: NodeJS.Timeout | undefined
    /**
     * The handler has begun, or waits for a place for a few seconds. The body is valid then, except that of an import,
     * which the handler reads.
     */
    hasHandlerBegun: boolean
  }
}

/** Milliseconds from the arrival of the headers to the beginning of the answer. */
type DeadlineMs = {
  usual: number
  /** For routes that wait for the object storage, from the arrival of a small body. */
  storage: number
  /** For routes with large bodies, which may arrive over a poor connection. */
  largeBody: number
}

/** The deadline of a request is longer than the sum of the time limits of its successive calls. */
export function deadlinesOf({
  auth,
  database,
  storage
}: Pick<Config, 'auth' | 'database' | 'storage'>): DeadlineMs {
  const usual = 5000 + auth.timeoutMs + 4 * database.timeoutMs
  const withStorage = usual + 3 * storage.timeoutMs
  return { usual, storage: withStorage, largeBody: withStorage + BODY_TIMEOUT_MS }
}

/**
 * Gives each request a deadline, for its answer to begin. A read that has none by then gets 503 `server_busy`; a
 * request whose body the server is still reading gets 408. A write that was received gets no answer then, because it
 * may still succeed. It ends by itself, because each of its steps has a time limit. In each case the signal aborts: the
 * request leaves queues, and stops sending to the storage.
 */
async function deadline(app: FastifyInstance, { deadlines }: { deadlines: DeadlineMs }) {
  app.decorateRequest('deadlineController')
  app.decorateRequest('deadlineTimer')
  app.decorateRequest('deadline', {
    getter() {
      this.deadlineController ??= new AbortController()
      return this.deadlineController.signal
    }
  })
  app.decorateRequest('hasHandlerBegun', false)

  function expire(request: FastifyRequest, reply: FastifyReply) {
    if (reply.sent || reply.raw.headersSent) return
    const error = isArriving(request) ? bodyStalled() : tooLate()
    request.deadlineController ??= new AbortController()
    request.deadlineController.abort(error)
    if (!isWriting(request)) reply.send(error)
  }

  app.addHook('onRequest', (request, reply, done) => {
    request.deadlineTimer = setTimeout(expire, arrivalLimitOf(request, deadlines), request, reply).unref()
    reply.raw.once('close', () => clearTimeout(request.deadlineTimer))
    done()
  })
  app.addHook('preHandler', (request, reply, done) => {
    request.hasHandlerBegun = true
    if (hasSmallBodyAndUsesStorage(request)) {
      clearTimeout(request.deadlineTimer)
      request.deadlineTimer = setTimeout(expire, deadlines.storage, request, reply).unref()
    }
    done()
  })
  app.addHook('onSend', (request, _reply, payload, done) => {
    clearTimeout(request.deadlineTimer) // the steps after this have limits of their own
    done(null, payload)
  })
}

/** A small body has the usual time to arrive, also where the work takes longer. */
function arrivalLimitOf({ routeOptions }: FastifyRequest, deadlines: DeadlineMs): number {
  if (routeOptions.config.bodyTimeMs !== undefined) return deadlines.storage + routeOptions.config.bodyTimeMs
  return routeOptions.bodyLimit > STREAMED_BODY_LIMIT ? deadlines.largeBody : deadlines.usual
}

const hasSmallBodyAndUsesStorage = ({ routeOptions: { bodyLimit, config } }: FastifyRequest) =>
  Boolean(config.waitsForStorage) && config.bodyTimeMs === undefined && bodyLimit <= STREAMED_BODY_LIMIT

/** Not while the body waits unread for a place or for memory: that delay is the server's own. */
const isArriving = ({ raw, hasHandlerBegun }: FastifyRequest) =>
  !hasHandlerBegun && raw.complete === false && raw.readableFlowing !== null

const isWriting = (request: FastifyRequest) => request.hasHandlerBegun && !isRead(request)

const tooLate = () => new ApiError('server_busy', 'The request took too long. Retry shortly.')

export default fp(deadline, { name: 'deadline', dependencies: ['problem-details'] })
