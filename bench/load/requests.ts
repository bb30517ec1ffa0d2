/**
 * Sends requests over a fixed number of connections: each sends the next one when the last is answered
 * (closed loop).
 */
import { Pool } from 'undici'
import { answerParent } from '../processes/script.ts'
import { quantile } from '../measure/statistics.ts'

/** A request, as one user sends it. */
export type Call = { path: string; token: string; body?: string; acceptEncoding?: string }

export type RequestsQuestion = { url: string; calls: Call[]; connections: number; ms: number }

/** `ms` is the time that it took; the quantiles are in milliseconds, of all answers. */
export type RequestsResult = { answered: number; failures: number; ms: number; p50: number; p99: number }

const headersOf = ({ token, body, acceptEncoding }: Call) => ({
  authorization: `Bearer ${token}`,
  ...(body !== undefined && { 'content-type': 'application/json' }),
  ...(acceptEncoding !== undefined && { 'accept-encoding': acceptEncoding })
})

async function run({ url, calls, connections, ms }: RequestsQuestion): Promise<RequestsResult> {
  const pool = new Pool(url, { connections, pipelining: 1 })
  const prepared = calls.map((call) => ({ ...call, headers: headersOf(call) }))
  const latencies: number[] = []
  let failures = 0
  const start = performance.now()

  async function sendUntilEnd(connection: number) {
    let next = Math.floor((connection * prepared.length) / connections)
    while (performance.now() - start < ms) {
      const { path, headers, body = null } = prepared[next++ % prepared.length]!
      const sent = performance.now()
      const response = await pool.request({ method: body === null ? 'GET' : 'POST', path, headers, body })
      await response.body.arrayBuffer()
      latencies.push(performance.now() - sent)
      if (response.statusCode >= 300) failures++
    }
  }

  await Promise.all(Array.from({ length: connections }, (_, connection) => sendUntilEnd(connection)))
  const elapsed = performance.now() - start
  await pool.close()
  return {
    answered: latencies.length,
    failures,
    ms: elapsed,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99)
  }
}

answerParent('ready', (question) => run(question as RequestsQuestion))
