import { finished, type Readable } from 'node:stream'
import { errorCodes } from 'fastify'
import { ApiError } from '../../errors.ts'

/** Larger pieces are cut, so that what one of them leaves in memory is bounded, too. */
const PIECE_BYTES = 64 * 1024

type Reception = {
  /** Bytes of the body at most. */
  limit: number
  /** How long nothing may come. */
  stallMs: number
  /** Takes the next bytes, which are lent; while what it returns is pending, nothing more is read. */
  write: (bytes: Buffer) => Promise<void> | undefined
}

/**
 * Reads a body to its end, as fast as it is taken. When it cannot be taken any more, the rest is read all the same: a
 * client that is still sending would not see the answer.
 * @throws {ApiError} upload_stalled; malformed_body when the client goes away; what `write` throws
 */
export function receive (body: Readable, { limit, stallMs, write }: Reception): Promise<void> {
  // By events, and with one timer: a promise and a timer for each of hundreds of pieces cost more than decoding them.
  return new Promise((resolve, reject) => {
    let received = 0
    let writing: Promise<void> | undefined
    let failure: unknown

    const timer = setTimeout(() => writing ? timer.refresh() : settle(stalled()), stallMs)
    const forget = finished(body, { writable: false }, async (error) => {
      await writing // a spool is not to be closed under its writer
      settle(error ? clientGone(error) : failure)
    })
    body.on('data', take)

    function take (chunk: Buffer) {
      timer.refresh()
      received += chunk.length
      if (received > limit) settle(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
      else if (failure === undefined) tryToWrite(chunk)
    }

    function tryToWrite (chunk: Buffer) {
      try {
        writing = writePieces(chunk, write)
      } catch (error) {
        failure = error
      }
      if (!writing) return
      body.pause()
      writing = writing.catch((error) => { failure = error }).then(goOn)
    }

    function goOn () {
      writing = undefined
      timer.refresh()
      body.resume()
    }

    function settle (error: unknown) {
      clearTimeout(timer)
      forget()
      body.off('data', take).pause() // and no more: the answer needs the connection
      if (error === undefined) resolve()
      else reject(error)
    }
  })
}

function writePieces (bytes: Buffer, write: Reception['write']): Promise<void> | undefined {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const writing = write(bytes.subarray(at, at + PIECE_BYTES))
    if (writing) return writing.then(() => writePieces(bytes.subarray(at + PIECE_BYTES), write))
  }
  return undefined
}

const stalled = () => new ApiError('upload_stalled', 'Nothing of the body came for too long. Send it again.')

/** Nobody will read it. */
export const clientGone = (cause?: unknown) => new ApiError('malformed_body', 'The body ended in its middle. Send it whole.', { cause })
