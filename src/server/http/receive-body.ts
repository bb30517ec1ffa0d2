import { finished, type Readable } from 'node:stream'
import { errorCodes } from 'fastify'
import { ApiError } from '../errors.ts'

/** Larger pieces are cut, so that what one of them leaves in memory is bounded, too. */
export const PIECE_BYTES = 64 * 1024

/** What must come on average, once the body has been coming for `afterMs`. */
export type LeastRate = { bytesPerSecond: number; afterMs: number }

type Reception = {
  /** Bytes of the body at most. */
  limit: number
  /** How long nothing may come. */
  stallMs: number
  leastRate?: LeastRate | undefined
  /** Takes the next bytes, which are lent; while what it returns is pending, nothing more is read. */
  write: (bytes: Buffer) => Promise<void> | undefined
}

/**
 * Reads a body to its end, as fast as it is taken. When it cannot be taken any more, the rest is read all the same: a
 * client that is still sending would not see the answer.
 * @throws {ApiError} upload_stalled; malformed_body when the client goes away; what `write` throws
 */
export function receive(body: Readable, { limit, stallMs, leastRate, write }: Reception): Promise<void> {
  // By events, and with one timer: a promise and a timer for each of hundreds of pieces cost more than decoding them.
  return new Promise((resolve, reject) => {
    let received = 0
    /** When the body began to come; later by the time for which it was not let in. */
    let start = performance.now()
    let writing: Promise<void> | undefined
    let failure: unknown

    const timer = setTimeout(() => (writing ? timer.refresh() : settle(stalled())), stallMs)
    const forget = finished(body, { writable: false }, async (error) => {
      await writing // a spool is not to be closed under its writer
      settle(error ? clientGone(error) : failure)
    })
    body.on('data', take)

    function take(chunk: Buffer) {
      timer.refresh()
      received += chunk.length
      if (received > limit) settle(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
      else if (isTooSlow()) settle(stalled())
      else if (failure === undefined) tryToWrite(chunk)
    }

    function isTooSlow() {
      const elapsed = performance.now() - start
      return (
        leastRate !== undefined &&
        elapsed > leastRate.afterMs &&
        received * 1000 < leastRate.bytesPerSecond * elapsed
      )
    }

    function tryToWrite(chunk: Buffer) {
      try {
        writing = writePieces(chunk, write)
      } catch (error) {
        failure = error
      }
      if (!writing) return
      body.pause()
      const paused = performance.now()
      writing = writing
        .catch((error) => {
          failure = error
        })
        .then(() => goOn(paused))
    }

    function goOn(paused: number) {
      writing = undefined
      start += performance.now() - paused
      timer.refresh()
      body.resume()
    }

    function settle(error: unknown) {
      clearTimeout(timer)
      forget()
      body.off('data', take).pause() // and no more: the answer needs the connection
      if (error === undefined) resolve()
      else reject(error)
    }
  })
}

function writePieces(bytes: Buffer, write: Reception['write']): Promise<void> | undefined {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const writing = write(bytes.subarray(at, at + PIECE_BYTES))
    if (writing) return writing.then(() => writePieces(bytes.subarray(at + PIECE_BYTES), write))
  }
  return undefined
}

const stalled = () =>
  new ApiError(
    'upload_stalled',
    'The body came too slowly, or nothing of it for too long. Send it again, over a better connection.'
  )

/** Nobody will read it. */
export const clientGone = (cause?: unknown) =>
  new ApiError('malformed_body', 'The body ended in its middle. Send it whole.', { cause })
