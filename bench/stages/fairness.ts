import type { Answer } from '../load/crowd.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Calls, Crowd } from '../load/start-crowd.ts'
import { summarise, type Summary } from './overload-measures.ts'

const RUNS = 5
const INNOCENTS = 25
const RATE = 220
const RUN_MS = 5000
const GREEDY_CONNECTIONS = 64
/** Between two runs. */
const PAUSE_MS = 1000

/** What the innocent users noticed in each run, undisturbed and beside a disturbance. */
export type Fairness = { name: string; runs: Array<{ undisturbed: Summary; disturbed: Summary }> }

type Disturbance = { name: string; calls: Calls; localAddress?: string }

type Options = {
  crowd: Crowd
  /** Of another process, so that its work delays no measurement. */
  other: Crowd
  lists: Calls
  body: string
  log: (line: string) => void
}

/** The latency of some users who list their sessions at a modest rate, beside others at full speed. */
export async function measureFairness({ crowd, other, lists, body, log }: Options): Promise<Fairness[]> {
  const innocents = lists.slice(0, INNOCENTS)
  const measure = () => crowd({ calls: innocents, connections: 100, rate: RATE, ms: RUN_MS })
  const results: Fairness[] = []
  for (const { name, ...disturbance } of disturbancesOf(lists.at(-1)!, body)) {
    const runs: Fairness['runs'] = []
    for (let run = 0; run < RUNS; run++) {
      const undisturbed = summarise(await measure())
      const attack = other({ ...disturbance, connections: GREEDY_CONNECTIONS, ms: RUN_MS })
      const disturbed = summarise(await measure())
      log(`${name}: ${describe(undisturbed, disturbed, await attack)}`)
      runs.push({ undisturbed, disturbed })
      await sleep(PAUSE_MS)
    }
    results.push({ name, runs })
  }
  return results
}

function disturbancesOf(greedy: Calls[number], body: string): Disturbance[] {
  const badTokens = Array.from({ length: 100 }, (_, index) => ({
    ...greedy,
    token: `${greedy.token.slice(0, -8)}${String(index).padStart(8, 'A')}`
  }))
  return [
    { name: 'a user who lists', calls: [greedy] },
    { name: 'a user who saves', calls: [{ ...greedy, body }] },
    { name: 'a stranger with bad tokens, from another address', calls: badTokens, localAddress: '127.0.0.2' },
    { name: 'a stranger with bad tokens, from the same address', calls: badTokens },
    { name: 'a stranger who asks for /readyz', calls: [{ path: '/readyz', token: '' }] }
  ]
}

const describe = (undisturbed: Summary, disturbed: Summary, attack: Answer[]) =>
  `p99 ${undisturbed.p99.toFixed(1)} → ${disturbed.p99.toFixed(1)} ms, ${disturbed.refused} refused; ` +
  `the other: ${attack.length} requests, ${summarise(attack).accepted} accepted`
