import { totalmem } from 'node:os'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { announcedSize } from '../bodies/announced-size.ts'
import { createFairLimiter, type FairLimiter, type Release } from './fair-limiter.ts'
import { isRead } from './is-read.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Bytes of memory that request bodies and answers of all requests may take together. */
    memoryBudget: FairLimiter
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

/** A quarter of the memory that the process may use (its cgroup, or the machine), at most 1 GB. */
export function memoryBudgetBytes(): number {
  const limit = process.constrainedMemory() || Infinity // 0 without a limit
  return Math.min(limit / 4, totalmem() / 4, 1024 ** 3)
}

/**
 * One budget of memory for the bodies and answers of all requests, shared fairly: a user takes at most a quarter of it,
 * all requests without a user together do so too, and those who wait for memory take turns. An answer counts
 * until its last byte has left, so clients that do not read take no more than their share.
 *
 * An answer to a write never waits, so a stored change is never answered with an error.
 */
async function memoryBudget(
  app: FastifyInstance,
  { bytes = memoryBudgetBytes(), waitMs = 5000 }: { bytes?: number; waitMs?: number }
) {
  const budget = createFairLimiter({
    count: bytes,
    perUser: bytes / 4,
    maxWaiting: MAX_WAITING,
    waitMs,
    refusal: REFUSAL
  })
  app.decorate('memoryBudget', budget)

  app.addHook('preParsing', (request, reply, payload, done) => {
    const size = bodySizeOf(request)
    if (size <= SMALL_BYTES || takeAtOnce(request, reply, size * MEMORY_PER_BYTE)) done(null, payload)
    else take(request, reply, size * MEMORY_PER_BYTE).then(() => done(null, payload), done)
  })

  app.addHook('onSend', (request, reply, payload, done) => {
    const size = answerSizeOf(payload)
    if (size <= SMALL_BYTES) return done(null, payload)
    if (!isRead(request)) {
      releaseWithAnswer(reply, budget.borrow(userOf(request), size))
      return done(null, payload)
    }
    const refuse = (error: Error) => {
      if (payload instanceof Readable) payload.destroy()
      done(error)
    }
    if (takeAtOnce(request, reply, size)) done(null, payload)
    else take(request, reply, size).then(() => done(null, payload), refuse)
  })

  /** Without the signal of the request's deadline, which costs microseconds. */
  function takeAtOnce(request: FastifyRequest, reply: FastifyReply, size: number): boolean {
    const release = budget.tryAcquire(userOf(request), size)
    if (release) releaseWithAnswer(reply, release)
    return release !== undefined
  }

  async function take(request: FastifyRequest, reply: FastifyReply, size: number): Promise<void> {
    releaseWithAnswer(reply, await budget.acquire(userOf(request), request.deadline, size))
  }
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
