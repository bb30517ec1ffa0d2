import type { Readable } from 'node:stream'
import { errorCodes } from 'fastify'
import { bodyStalled, clientGone } from './body-errors.ts'

/**
 * The minimum average rate of a body. It applies once the server has waited for `afterMs` milliseconds in all.
 */
type MinRate = { bytesPerSecond: number; afterMs: number }

type Limits = {
  /** The largest body, in bytes. */
  limit: number
  /** The longest time without any bytes, in milliseconds. */
  stallMs: number
  minRate?: MinRate | undefined
  /** Looked at when a piece arrives: if it is aborted, reading rejects with its reason. */
  signal?: AbortSignal
  /** Do not read the rest if the consumer stops early: for bodies that are too long for it. */
  skipsRest?: boolean
}

/**
 * Reads a body piece by piece, as fast as the consumer takes it. If the consumer stops early, the rest is usually
 * read and discarded before this generator returns: a client that is still sending would not see the answer.
 * @throws {ApiError} upload_stalled; malformed_body if the client disconnects
 * @throws FST_ERR_CTP_BODY_TOO_LARGE
 */
export async function* receiveBody(body: Readable, limits: Limits): AsyncGenerator<Buffer> {
  const pieces = readPieces(body, limits)
  try {
    // Not `for await`, which would end `pieces` together with this generator.
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value
  } finally {
    if (limits.skipsRest) await pieces.return(undefined)
    else await discard(pieces)
  }
}

/**
 * Reads a small body of known length as a whole, without an iterator and a timer for each piece.
 * @throws {ApiError} upload_stalled; malformed_body if the client disconnects
 */
export function collectBody(body: Readable, limits: Pick<Limits, 'stallMs' | 'minRate'>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const start = performance.now()
    let received = 0
    const stalled = () => fail(bodyStalled())
    let timer = setTimeout(stalled, longestWait(limits, 0, 0))
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(error)
    }
    const onClose = (cause?: unknown) => fail(clientGone(cause))

    body.on('data', (piece: Buffer) => {
      pieces.push(piece)
      received += piece.length
      clearTimeout(timer)
      timer = setTimeout(stalled, longestWait(limits, received, performance.now() - start))
    })
    body.once('end', () => {
      clearTimeout(timer)
      body.off('close', onClose) // `close` also comes after `end`: an error would be created for nobody
      resolve(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces))
    })
    body.once('error', onClose).once('close', onClose)
    if (body.destroyed) onClose()
  })
}

async function* readPieces(body: Readable, limits: Limits): AsyncGenerator<Buffer> {
  const { limit, signal } = limits
  // The end of the iterator must not destroy the connection, which the answer needs.
  const pieces: AsyncIterator<Buffer> = body.iterator({ destroyOnReturn: false })
  let received = 0
  let waitedMs = 0
  try {
    for (;;) {
      const start = performance.now()
      const next = await withTimeLimit(pieces.next(), longestWait(limits, received, waitedMs))
      if (next.done) return
      signal?.throwIfAborted()
      received += next.value.length
      waitedMs += performance.now() - start
      if (received > limit) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
      yield next.value
    }
  } finally {
    pieces.return?.() // not awaited: after a timeout it would wait for the next piece
  }
}

async function discard(pieces: AsyncGenerator<Buffer>) {
  try {
    while (!(await pieces.next()).done);
  } catch {
    // The consumer's own error is the one to report.
  }
}

/**
 * Milliseconds until a body counts as stalled, if nothing more arrives. It is not judged on arrival, so a body that is
 * complete is never refused.
 */
function longestWait(
  { stallMs, minRate }: Pick<Limits, 'stallMs' | 'minRate'>,
  received: number,
  waitedMs: number
): number {
  if (!minRate) return stallMs
  const { afterMs, bytesPerSecond } = minRate
  const untilTooSlow = Math.max(afterMs, (received * 1000) / bytesPerSecond) - waitedMs
  return Math.max(0, Math.min(stallMs, untilTooSlow))
}

/** @throws {ApiError} upload_stalled after `ms`; malformed_body if reading fails */
function withTimeLimit<T>(reading: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(bodyStalled()), ms)
    const finish = (done: () => void) => {
      clearTimeout(timer)
      done()
    }
    reading.then(
      (value) => finish(() => resolve(value)),
      (cause) => finish(() => reject(clientGone(cause)))
    )
  })
}
