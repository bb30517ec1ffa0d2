import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { answerSizeOf, SMALL_BYTES } from './memory-budget.ts'
import { BYTES_PER_SECOND_IF_WAITING, MIN_RATE } from './min-rate.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least average rate at which a client must take the answer at this moment, in bytes a second. */
    minAnswerRate?: () => number
  }
}

/** An answer that is being sent. `since`, `taken`: when bytes began to wait for the client, and what it had taken. */
type Sending = { socket: Socket; minRate: () => number; since: number; taken: number }

/**
 * Closes the connection of a client that takes a large answer too slowly. Otherwise a few clients could hold the
 * memory of answers, or the places of exports, for hours. The rate is measured only while the socket has unsent bytes.
 * Bytes in its write buffer count as delivered, because Node.js does not report partial writes.
 */
async function limitAnswerRate(app: FastifyInstance, { checkMs = 5000 }: { checkMs?: number }) {
  const sending = new Map<ServerResponse, Sending>()
  const currentRate = () =>
    app.memoryBudget.answers.usage().waiting > 0 ? BYTES_PER_SECOND_IF_WAITING : MIN_RATE.bytesPerSecond

  app.addHook('onSend', ({ raw: { socket }, routeOptions }, { raw }, payload, done) => {
    // No `close` follows for a client that has already left.
    if (socket instanceof Socket && !raw.destroyed && answerSizeOf(payload) > SMALL_BYTES) {
      const { minAnswerRate } = routeOptions.config
      const minRate = () => Math.max(currentRate(), minAnswerRate?.() ?? 0)
      sending.set(raw, { socket, minRate, since: Infinity, taken: 0 })
      raw.once('close', () => sending.delete(raw))
    }
    done()
  })

  function checkRates() {
    const now = performance.now()
    for (const answer of sending.values()) {
      const { socket, minRate, since } = answer
      const { bytesWritten, writableLength } = socket
      const ms = now - since
      if (writableLength === 0) answer.since = Infinity
      else if (since === Infinity) Object.assign(answer, { since: now, taken: bytesWritten - writableLength })
      else if (ms >= MIN_RATE.afterMs && (bytesWritten - answer.taken) * 1000 < minRate() * ms) {
        socket.destroy()
      }
    }
  }

  const timer = setInterval(checkRates, checkMs).unref()
  app.addHook('onClose', async () => clearInterval(timer))
}

export default fp(limitAnswerRate, { name: 'answer-rate', dependencies: ['memory-budget'] })
