/**
 * Requests GET /api/stats at a fixed rate, independent of earlier responses (open loop). Latency is measured
 * from the time at which each request was due, so a stalled server affects every request that was due
 * meanwhile.
 */
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from '../processes/script.ts'
import { PROBE_RATE, type Target } from './target.ts'

/** Latencies in milliseconds, and the number of responses other than 200. */
export type ProbeResult = { latencies: number[]; failures: number }

const agent = new Agent({ keepAlive: true })

const ask = ({ url, token }: Target) =>
  new Promise<boolean>((resolve) => {
    get(`${url}/api/stats`, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response
        .resume()
        .on('end', () => resolve(response.statusCode === 200))
        .on('error', () => resolve(false))
    }).on('error', () => resolve(false))
  })

function startProbe(target: Target) {
  const pending: Array<Promise<void>> = []
  const result: ProbeResult = { latencies: [], failures: 0 }
  const ended = new AbortController()

  async function measure(due: number) {
    if (!(await ask(target))) result.failures++
    result.latencies.push(performance.now() - due)
  }

  async function run() {
    for (let due = performance.now(); !ended.signal.aborted; due += 1000 / PROBE_RATE) {
      await sleep(Math.max(0, due - performance.now()))
      pending.push(measure(due))
    }
    await Promise.all(pending)
    return result
  }

  const running = run()
  return {
    end() {
      ended.abort()
      return running
    }
  }
}

let probe: ReturnType<typeof startProbe> | undefined

answerParent('ready', (question) => {
  if (question !== 'end') {
    probe = startProbe(question as Target)
    return 'started'
  }
  return probe?.end()
})
