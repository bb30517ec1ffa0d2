import { startServer } from '../processes/server.ts'
import type { Stage } from '../report.ts'
import { withResources } from '../resources.ts'
import { startSinkServices, type Services } from '../services/environment.ts'
import { createPractice } from '../services/practice.ts'
import { startCrowd, type Calls, type Crowd } from '../load/start-crowd.ts'
import { measureFairness, type Fairness } from './fairness.ts'
import { goodputOf, recoveryMs, summarise, type Overloaded } from './overload-measures.ts'
import { tabulateFairness, tabulateOverload } from './overload-report.ts'

const USERS = 500
const SESSIONS_PER_USER = 100
const ROUNDS = 3
const WARM_UP_MS = 4000
const ROUND_MS = 5000
/** Longer than the recovery may take, so that a longer one shows. */
const RECOVERY_MS = 8000
const UNLOADED_RATE = 200
const BUSY_CONNECTIONS = 16
const FACTOR = 10
/** Parts of the capacity that may be sustainable, the first of which is. */
const PARTS = [0.9, 0.75, 0.6, 0.45, 0.3]

/** Ten times the sustainable load, and what people notice of greedy users and attackers. */
export const overload: Stage = ({ scale, log }) =>
  withResources(async (keep) => {
    const services = await startSinkServices(keep)
    const tokens = await createUsers(services)
    const server = keep(await startServer('ours', { ...services.env, RATE_LIMIT: '300' }))
    const crowd = await startCrowd(keep, server.url, scale)
    const body = JSON.stringify({ songName: 'Ode to Joy', instrument: 'Piano', duration: 180 })
    const lists = tokens.map((token) => ({ path: '/api/sessions', token }))
    const saves = lists.map((call) => ({ ...call, body }))

    const results: Record<'list' | 'save', Overloaded[]> = { list: [], save: [] }
    for (const [name, calls] of [['list', lists] as const, ['save', saves] as const]) {
      await crowd({ calls, connections: BUSY_CONNECTIONS, ms: WARM_UP_MS })
      for (let round = 0; round < ROUNDS; round++) {
        results[name].push(await measureOverload(crowd, calls, log))
      }
    }
    const fairness: Fairness[] = await measureFairness({
      crowd,
      other: await startCrowd(keep, server.url, scale),
      lists,
      body,
      log
    })

    return {
      title: `overload: ${FACTOR} times the sustainable load, and other users beside greedy ones and attackers`,
      tables: [tabulateOverload(results), tabulateFairness(fairness)],
      remarks: [
        `First table: medians of ${ROUNDS} rounds. Second table: medians of five runs. Each of ${ROUND_MS / 1000} s, with lowest and highest; ${USERS} users with ${SESSIONS_PER_USER} sessions each; RATE_LIMIT is 300, its default. ${services.database.kind}. Clients and PostgreSQL share the machine with the server.`,
        `Sustainable: the highest rate tried (open loop) without refusals and with a p99 of at most three times the p99 at ${UNLOADED_RATE} requests a second. Closed loop: ${FACTOR * BUSY_CONNECTIONS} connections, each of which repeats at once. Open loop: ${FACTOR} times the sustainable rate. Goodput is the accepted requests, divided by the sustainable rate.`
      ]
    }
  })

async function createUsers({ database, tokenOf }: Services): Promise<string[]> {
  const users = { users: USERS, sessionsPerUser: SESSIONS_PER_USER }
  const musicians = await createPractice(database.url, 'auth0|bench-crowd-', users)
  return Promise.all(musicians.map(({ sub }) => tokenOf(sub)))
}

async function measureOverload(crowd: Crowd, calls: Calls, log: (line: string) => void): Promise<Overloaded> {
  const probe = (ms: number) => crowd({ calls, connections: 100, rate: UNLOADED_RATE, ms })
  const unloaded = summarise(await probe(ROUND_MS))
  const busy = await crowd({ calls, connections: BUSY_CONNECTIONS, ms: ROUND_MS / 2 })
  const sustainable = await findSustainable(crowd, calls, { capacity: goodputOf(busy), p99: unloaded.p99 })

  const connections = FACTOR * BUSY_CONNECTIONS
  const closed = await crowd({ calls, connections, ms: ROUND_MS })
  const afterClosed = recoveryMs(await probe(RECOVERY_MS), unloaded)
  const open = await crowd({ calls, connections: 1000, rate: FACTOR * sustainable, ms: ROUND_MS })
  const afterOpen = recoveryMs(await probe(RECOVERY_MS), unloaded)

  const result = {
    unloaded,
    sustainable,
    closed: { ...summarise(closed), recoveryMs: afterClosed },
    open: { ...summarise(open), recoveryMs: afterOpen }
  }
  log(JSON.stringify(result))
  return result
}

async function findSustainable(
  crowd: Crowd,
  calls: Calls,
  { capacity, p99 }: { capacity: number; p99: number }
): Promise<number> {
  for (const part of PARTS) {
    const answers = await crowd({ calls, connections: 1000, rate: part * capacity, ms: ROUND_MS / 2 })
    const found = summarise(answers)
    if (found.refused === 0 && found.p99 <= 3 * p99) return found.perSecond
  }
  return PARTS.at(-1)! * capacity
}
