import type { Readable } from 'node:stream'
import { errorCodes } from 'fastify'
import { ApiError } from '../../errors.ts'

/** Larger pieces are cut, so that what one of them leaves in memory is bounded, too. */
const PIECE_BYTES = 64 * 1024

type Reception = {
  /** Bytes of the body at most. */
  limit: number
  /** How long nothing may come. */
  stallMs: number
  /** Takes the next bytes, which are lent; while it works, nothing more is read. */
  write: (bytes: Buffer) => void | Promise<void>
}

/**
 * Reads a body to its end, as fast as it is taken. When it cannot be taken any more, the rest is read all the same: a
 * client that is still sending would not see the answer.
 * @throws {ApiError} upload_stalled; malformed_body when the client goes away; what `write` throws
 */
export async function receive (body: Readable, { limit, stallMs, write }: Reception): Promise<void> {
  let received = 0
  let failure: unknown
  for await (const chunk of chunksOf(body, stallMs)) {
    received += chunk.length
    if (received > limit) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
    if (failure === undefined) await writePieces(chunk, write).catch((error) => { failure = error })
  }
  if (failure !== undefined) throw failure
}

async function writePieces (chunk: Buffer, write: Reception['write']) {
  for (let at = 0; at < chunk.length; at += PIECE_BYTES) await write(chunk.subarray(at, at + PIECE_BYTES))
}

async function * chunksOf (body: Readable, stallMs: number): AsyncGenerator<Buffer> {
  const chunks = body.iterator({ destroyOnReturn: false }) // the answer needs the connection
  for (;;) {
    const { done, value } = await withinTime(chunks.next(), stallMs)
    if (done) return
    yield value
  }
}

async function withinTime<T> (next: Promise<T>, stallMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ApiError('upload_stalled', 'Nothing of the body came for too long. Send it again.')), stallMs)
  })
  const gone = next.catch((cause) => { throw clientGone(cause) })
  return Promise.race([gone, stalled]).finally(() => clearTimeout(timer))
}

/** Nobody will read it. */
export const clientGone = (cause?: unknown) => new ApiError('malformed_body', 'The body ended in its middle. Send it whole.', { cause })
