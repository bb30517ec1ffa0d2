import type { FastifyReply, FastifyRequest } from 'fastify'
import { createSpread } from '../limits/spread-work.ts'
import { BODY_TIMEOUT_MS } from '../server-options.ts'
import { announcedSize } from './announced-size.ts'

/** Pieces of up to 64 kB, of all refused bodies together, that are read at once. */
const PIECES = 2
/** Pause until the next pieces are read. */
const READ_INTERVAL_MS = 2
const spreadReads = createSpread(PIECES, READ_INTERVAL_MS)

/** The connection is closed when its client has sent nothing for this long while the server was reading. */
const CLOSE_AFTER_SILENCE_MS = 30_000

/** An answer that closes its connection waits until the client has sent nothing for this long. */
const RESPOND_AFTER_SILENCE_MS = 1000
/** Such an answer is sent after this time in any case. */
const RESPOND_AFTER_MS = 30_000

/**
 * Reads and discards the rest of a refused body. Resolves when it has ended or its client pauses, when its connection
 * is lost, and at the latest after `RESPOND_AFTER_MS`. The time in which a body waits for its next read is no pause of
 * its client.
 */
export function discardBody({ raw }: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.removeHeader('connection') // Fastify closes the connection after an error in a body
  const { socket } = raw
  const isChunked = announcedSize(raw.headers) === Infinity
  if (raw.destroyed || socket.destroyed) return Promise.resolve() // the client has left
  return new Promise((resolve) => {
    const destroy = () => socket.destroy()
    const unlessWaiting = (act: () => void) => () => raw.isPaused() || act()
    const closing = setTimeout(unlessWaiting(destroy), CLOSE_AFTER_SILENCE_MS).unref()
    const responding = setTimeout(unlessWaiting(resolve), RESPOND_AFTER_SILENCE_MS).unref()
    const timers = [
      closing,
      responding,
      setTimeout(destroy, BODY_TIMEOUT_MS).unref(),
      setTimeout(resolve, RESPOND_AFTER_MS).unref()
    ]
    const end = () => {
      for (const timer of timers) clearTimeout(timer)
      socket.off('close', end)
      resolve()
    }
    const waitAgain = () => {
      closing.refresh()
      responding.refresh()
    }
    const readOn = () => {
      waitAgain()
      raw.resume()
    }
    raw.on('data', () => {
      waitAgain()
      // Not for a chunked body: its chunks can be tiny, and Node.js would keep thousands of them while it is paused.
      if (isChunked) return
      raw.pause()
      spreadReads(readOn)
    })
    raw.once('end', end)
    socket.once('close', end) // a request that was answered emits no `close` then
    raw.resume() // at once: when the answer has left, Node.js reads at full speed what was not begun
  })
}
