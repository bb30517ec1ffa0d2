import { setTimeout as sleep } from 'node:timers/promises'
import { canMeter } from '../measure/process-meter.ts'
import { startScript } from '../processes/script.ts'
import { buildFloor } from '../processes/build-floor.ts'
import { startServer, type Server } from '../processes/server.ts'
import type { Stage } from '../report.ts'
import { withResources, type Keep } from '../resources.ts'
import { startSinkServices, type Services } from '../services/environment.ts'
import { createPractice } from '../services/practice.ts'
import type { Call, RequestsQuestion, RequestsResult } from '../load/requests.ts'
import { tabulateMemory, tabulateRequests, type Contestant, type Round } from './reads-report.ts'

const USERS = 50
const SESSIONS_PER_USER = 100
const HEAVY_SESSIONS = 20_000
const ROUNDS = 7
const STARTS = 5
const ROUND_MS = 2000
const WARM_UP_MS = 3000
const CONNECTIONS = 32
/** Pause in which the garbage of the start is collected. */
const PAUSE_MS = 1500

type Scenario = { name: string; calls: Call[]; connections?: number }
type Sides<T> = Record<Contestant, T>

const CONTESTANTS: Contestant[] = ['floor', 'ours']

/** Reads and small saves on our server and on the floor, a hand-written server, in turn. */
export const reads: Stage = ({ scale, log }) =>
  withResources(async (keep) => {
    await buildFloor()
    const services = await startSinkServices(keep)
    const scenarios = await createScenarios(services)
    const load = keep(await startScript('load/requests'))
    const startMs = await measureStarts(services, scenarios[0]!.calls[0]!, log)
    const servers = await startAll(keep, services)
    await sleep(PAUSE_MS)
    const idle = mapSides((name) => servers[name].meter.rss())

    const rounds: Round[] = []
    for (const scenario of scenarios) {
      const measure = (name: Contestant, ms: number) =>
        run(load, servers[name], { ...scenario, ms: ms * scale })
      for (const name of CONTESTANTS) await measure(name, WARM_UP_MS)
      for (let round = 0; round < ROUNDS; round++) {
        const results = { floor: await measure('floor', ROUND_MS), ours: await measure('ours', ROUND_MS) }
        rounds.push({ scenario: scenario.name, ...results })
      }
      log(scenario.name)
    }
    const peak = mapSides((name) => servers[name].meter.peakRss())

    return {
      title: 'reads: this server and a hand-written floor',
      tables: [tabulateRequests(rounds), tabulateMemory({ startMs, idle, peak })],
      remarks: [
        `Medians of ${ROUNDS} rounds of ${ROUND_MS / 1000} s, the servers in turn, ${CONNECTIONS} connections, with lowest and highest ratio; ${services.database.kind}.`,
        `CPU is the server's time for a request, all threads. Its ratio is the floor's time divided by this server's: above 1, this server needs less. It depends less on the other load of the machine than requests a second.`,
        ...(canMeter ? [] : ['No figures for memory and CPU time: they need Linux.'])
      ]
    }
  })

const mapSides = <T>(map: (name: Contestant) => T): Sides<T> => ({ floor: map('floor'), ours: map('ours') })

async function createScenarios({ database, tokenOf }: Services): Promise<Scenario[]> {
  const musicians = await createPractice(database.url, 'auth0|bench-reader-', {
    users: USERS,
    sessionsPerUser: SESSIONS_PER_USER
  })
  const [heavy] = await createPractice(database.url, 'auth0|bench-heavy-', {
    users: 1,
    sessionsPerUser: HEAVY_SESSIONS
  })
  const writers = await createPractice(database.url, 'auth0|bench-writer-', {
    users: USERS,
    sessionsPerUser: 1
  })
  const readers = await Promise.all(
    musicians.map(async ({ sub, sessionIds }) => ({ token: await tokenOf(sub), sessionIds }))
  )
  const heavyToken = await tokenOf(heavy!.sub)
  const body = JSON.stringify({
    songName: 'Ode to Joy',
    instrument: 'Piano',
    duration: 180,
    xmlContent: '<score-partwise/>',
    analysis: { summary: 'Good.', feedback: 'Slower.', scoreAccuracy: 81 }
  })
  const allRead = (path: string) => readers.map(({ token }) => ({ path, token }))

  return [
    { name: `GET /api/sessions, ${SESSIONS_PER_USER} rows`, calls: allRead('/api/sessions') },
    {
      name: 'GET /api/sessions/:id',
      calls: readers.map(({ token, sessionIds }, index) => ({
        path: `/api/sessions/${sessionIds[index % sessionIds.length]}`,
        token
      }))
    },
    { name: 'GET /api/stats', calls: allRead('/api/stats') },
    {
      name: `GET /api/stats, ${HEAVY_SESSIONS.toLocaleString('en')} sessions`,
      calls: [{ path: '/api/stats', token: heavyToken }]
    },
    {
      name: `GET /api/sessions, ${HEAVY_SESSIONS.toLocaleString('en')} rows`,
      calls: [{ path: '/api/sessions', token: heavyToken }],
      connections: 2
    },
    {
      name: 'POST /api/sessions, small',
      calls: await Promise.all(
        writers.map(async ({ sub }) => ({ path: '/api/sessions', token: await tokenOf(sub), body }))
      )
    },
    {
      name: `GET /api/sessions, ${SESSIONS_PER_USER} rows, this server compresses`,
      calls: allRead('/api/sessions').map((call) => ({ ...call, acceptEncoding: 'gzip, br' }))
    }
  ]
}

const startAll = async (keep: Keep, { env }: Services): Promise<Sides<Server>> => ({
  floor: keep(await startServer('floor', env)),
  ours: keep(await startServer('ours', env))
})

/** Milliseconds from the start of the process to the first answer, several times in turn. */
async function measureStarts(
  { env }: Services,
  call: Call,
  log: (line: string) => void
): Promise<Sides<number[]>> {
  const times: Sides<number[]> = { floor: [], ours: [] }
  for (let start = 0; start < STARTS; start++) {
    for (const name of CONTESTANTS) {
      const before = performance.now()
      const server = await startServer(name, env)
      const response = await fetch(`${server.url}/api/stats`, {
        headers: { authorization: `Bearer ${call.token}` }
      })
      await response.text()
      times[name].push(performance.now() - before)
      await server.close()
      if (!response.ok) throw new Error(`The server ${name} answered ${response.status}`)
    }
  }
  log('starts')
  return times
}

type Asked = { ask: (question: unknown) => Promise<unknown> }

async function run(
  load: Asked,
  { url, meter }: Server,
  { calls, connections, ms }: Scenario & { ms: number }
) {
  const before = meter.cpuMs()
  const question: RequestsQuestion = { url, calls, connections: connections ?? CONNECTIONS, ms }
  const result = (await load.ask(question)) as RequestsResult
  if (result.failures > 0) throw new Error(`${result.failures} requests failed: ${calls[0]?.path}`)
  return {
    perSecond: (result.answered * 1000) / result.ms,
    cpuMicros: ((meter.cpuMs() - before) * 1000) / result.answered,
    p99: result.p99
  }
}
