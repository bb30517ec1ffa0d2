import { totalmem } from 'node:os'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { announcedSize } from '../bodies/announced-size.ts'
import { createFairLimiter, type FairLimiter, type Release } from './fair-limiter.ts'
import { isRead } from './is-read.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Bytes of memory that the bodies, and the answers, of all requests may take. */
    memoryBudget: Record<'bodies' | 'answers', FairLimiter>
  }
}

/** Memory of a streamed answer: one piece, the next one, and their compressed form. */
const STREAM_BYTES = 2 * 1024 * 1024
/** Bodies and answers up to this size are not counted: the limits of connections bound the number of them. */
export const SMALL_BYTES = 16 * 1024
/** Routes with a larger limit receive their bodies in bounded memory by themselves. */
export const STREAMED_BODY_LIMIT = 1024 * 1024
/** Bytes of memory for each byte of a body that is parsed as a whole: the bytes, their text and the values. */
export const MEMORY_PER_BYTE = 4
/** All requests without a user take one share: strangers have as many addresses as they like. */
const STRANGERS = ''
const MAX_WAITING = 1000
const REFUSAL = 'The server is short of memory. Retry shortly.'

/**
 * A quarter of the memory that the process may use (its cgroup, or the machine), at most 1 GB. Bodies get three
 * quarters of it, answers a half.
 */
export function memoryBudgetBytes(): number {
  const limit = process.constrainedMemory() || Infinity // 0 without a limit
  return Math.min(limit / 4, totalmem() / 4, 1024 ** 3)
}

type Options = {
  bytes?: number
  /** How long a body waits for memory: as long as for a place, so that slow bodies end first. See `MIN_RATE`. */
  bodyWaitMs: number
  answerWaitMs?: number
}

/**
 * Memory for all requests, apart for bodies and for answers, so that slow bodies delay no answer. Each is shared
 * fairly: a user takes at most a third of that for bodies and a quarter of that for answers, all requests without a
 * user together count as one, and those who wait for memory take turns. An answer counts until its last byte has left,
 * so clients that do not read take no more than their share.
 *
 * An answer to a write never waits, so a stored change is never answered with an error.
 */
async function memoryBudget(
  app: FastifyInstance,
  { bytes = memoryBudgetBytes(), bodyWaitMs, answerWaitMs = 5000 }: Options
) {
  const queue = { maxWaiting: MAX_WAITING, refusal: REFUSAL }
  // Enough for 16 large bodies on the smallest machine. One user's share is enough to parse 2 MB of text. Bodies (75 %)
  // and answers (50 %) exceed 100 % on purpose: most bodies use less than they reserve.
  const bodies = createFairLimiter({
    ...queue,
    count: 0.75 * bytes,
    perUser: bytes / 4,
    waitMs: bodyWaitMs
  })
  const answers = createFairLimiter({
    ...queue,
    count: bytes / 2,
    perUser: bytes / 8,
    waitMs: answerWaitMs
  })
  app.decorate('memoryBudget', { bodies, answers })

  app.addHook('preParsing', (request, reply, payload, done) => {
    const size = bodySizeOf(request)
    const waiting =
      size > SMALL_BYTES ? take(bodies, { request, reply, size: size * MEMORY_PER_BYTE }) : undefined
    if (waiting) waiting.then(() => done(null, payload), done)
    else done(null, payload)
  })

  app.addHook('onSend', (request, reply, payload, done) => {
    const size = answerSizeOf(payload)
    if (size <= SMALL_BYTES) return done(null, payload)
    if (!isRead(request)) {
      releaseWithAnswer(reply, answers.borrow(userOf(request), size))
      return done(null, payload)
    }
    const refuse = (error: Error) => {
      if (payload instanceof Readable) payload.destroy()
      done(error)
    }
    const waiting = take(answers, { request, reply, size })
    if (waiting) waiting.then(() => done(null, payload), refuse)
    else done(null, payload)
  })
}

type Taking = { request: FastifyRequest; reply: FastifyReply; size: number }

/**
 * @returns undefined if there was memory at once: a promise, and the signal of the request's deadline, cost
 * microseconds
 */
function take(limiter: FairLimiter, { request, reply, size }: Taking): Promise<void> | undefined {
  const user = userOf(request)
  const release = limiter.tryAcquire(user, size)
  if (!release) {
    const acquiring = limiter.acquire(user, request.deadline, size)
    return acquiring.then((acquired) => releaseWithAnswer(reply, acquired))
  }
  releaseWithAnswer(reply, release)
  return undefined
}

/** 0 for a route that receives its body in bounded memory. */
function bodySizeOf({ headers, routeOptions: { bodyLimit } }: FastifyRequest): number {
  return bodyLimit > STREAMED_BODY_LIMIT ? 0 : Math.min(announcedSize(headers), bodyLimit)
}

const userOf = ({ user }: FastifyRequest) => (user as { sub: string } | null)?.sub ?? STRANGERS

/** Bytes of memory that an answer takes while it is sent. */
export function answerSizeOf(payload: unknown): number {
  if (payload instanceof Readable) return STREAM_BYTES
  return typeof payload === 'string' || Buffer.isBuffer(payload) ? payload.length : 0
}

/** The client may have gone while the answer waited. */
function releaseWithAnswer({ raw }: FastifyReply, release: Release) {
  if (raw.destroyed) return release()
  raw.once('finish', release)
  raw.once('close', release)
}

export default fp(memoryBudget, { name: 'memory-budget', dependencies: ['problem-details'] })
