/**
 * Asks GET /api/stats at a steady rate, whether or not earlier answers have come, and counts the time from when the
 * request was due: a server that stands still makes everybody wait, not only one.
 */
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerParent } from '../processes/script.ts'
import { PROBE_RATE, type Target } from './target.ts'

/** Milliseconds until each answer; how many answers were no 200. */
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
  const asked: Array<Promise<void>> = []
  const result: ProbeResult = { latencies: [], failures: 0 }
  const over = new AbortController()

  async function measure(due: number) {
    if (!(await ask(target))) result.failures++
    result.latencies.push(performance.now() - due)
  }

  async function run() {
    for (let due = performance.now(); !over.signal.aborted; due += 1000 / PROBE_RATE) {
      await sleep(Math.max(0, due - performance.now()))
      asked.push(measure(due))
    }
    await Promise.all(asked)
    return result
  }

  const running = run()
  return {
    end() {
      over.abort()
      return running
    }
  }
}

let probe: ReturnType<typeof startProbe> | undefined

answerParent('ready', (question) => {
  if (question !== 'end') {
    probe = startProbe(question as Target)
    return 'asking'
  }
  return probe?.end()
})
