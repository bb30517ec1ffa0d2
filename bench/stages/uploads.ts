import { setTimeout as sleep } from 'node:timers/promises'
import { createLoad, type LoadResult } from '../load/load.ts'
import { PROBE_RATE, type Target } from '../load/target.ts'
import { canMeter } from '../measure/process-meter.ts'
import { median, quantile } from '../measure/statistics.ts'
import { startServer, type Server } from '../processes/server.ts'
import { format, judge, type Stage } from '../report.ts'
import { withResources } from '../resources.ts'
import { startSinkServices, syncUser } from '../services/environment.ts'

const CONCURRENT_SAVES = 10
const MEGABYTES = 20
const ROUNDS = 5
const WARM_UP_ROUNDS = 3

const MEGABYTE = 2 ** 20
const SMALL_RECORDING = 16 * 1024
/** Pause in which the garbage of the start and of the small saves is collected. */
const PAUSE_MS = 1500

const TARGETS = { statsRatio: 0.25, memory: 60 * MEGABYTE }

type Load = (target: Target, count: number) => Promise<LoadResult>
type Measured = {
  uploadsPerSecond: number
  statsP50: number
  statsP99: number
  memory: number
  cpuPerUpload: number
  created: number
  requests: number
  failures: number
}

/** Large saves on our server and on a straightforward one, in turn. A probe requests the stats meanwhile. */
export const uploads: Stage = ({ scale, log }) =>
  withResources(async (keep) => {
    const megabytes = Math.max(1, Math.round(MEGABYTES * scale))
    const { database, env, token } = await startSinkServices(keep)
    const small = await createLoad(keep, { bytes: SMALL_RECORDING })
    const large = await createLoad(keep, { bytes: megabytes * MEGABYTE })
    const ours = keep(await startServer('ours', env))
    const straightforward = keep(await startServer('straightforward', env))
    await syncUser(ours.url, token)

    const servers = [await prepare('ours', ours), await prepare('straightforward', straightforward)] as const
    for (const server of servers) await server.warmUp()
    for (let round = 1; round <= ROUNDS; round++) {
      for (const server of servers) log(await server.run(round))
    }
    const [us, them] = [servers[0].summarise(), servers[1].summarise()]

    return {
      title: `uploads: ${CONCURRENT_SAVES} saves of ${megabytes} MB at a time`,
      tables: [tabulate(us, them)],
      remarks: [
        `Medians of ${ROUNDS} rounds after a warm-up, the servers in turn; ${database.kind}; the storage discards the bytes.`,
        `GET /api/stats ${PROBE_RATE} times per second meanwhile (${us.requests} and ${them.requests} requests in total), each measured from the time at which it was due.`,
        ...(canMeter ? [] : ['No figures for memory and CPU time: they need Linux.'])
      ]
    }

    async function prepare(name: string, server: Server) {
      const target = { url: server.url, token }
      for (let round = 0; round < WARM_UP_ROUNDS; round++) await small(target, CONCURRENT_SAVES)
      await sleep(PAUSE_MS)
      return createMeasurement({ name, server, run: () => large(target, CONCURRENT_SAVES) })
    }
  })

function createMeasurement({
  name,
  server: { meter },
  run
}: {
  name: string
  server: Server
  run: () => ReturnType<Load>
}) {
  const idle = meter.rss()
  const results: Array<LoadResult & { cpuMs: number }> = []
  meter.resetPeakRss()

  return {
    /** A round that counts only for the memory, because code is compiled during its first run. */
    warmUp: run,

    /** Runs one measured round. Returns a line for the log. */
    async run(round: number): Promise<string> {
      const cpuBefore = meter.cpuMs()
      const result = await run()
      results.push({ ...result, cpuMs: meter.cpuMs() - cpuBefore })
      return `round ${round}, ${name}: ${format(perSecond(result))} uploads a second`
    },

    summarise: (): Measured => ({
      uploadsPerSecond: median(results.map(perSecond)),
      statsP50: quantile(
        results.flatMap(({ latencies }) => latencies),
        0.5
      ),
      statsP99: quantile(
        results.flatMap(({ latencies }) => latencies),
        0.99
      ),
      memory: meter.peakRss() - idle,
      cpuPerUpload: median(results.map(({ cpuMs, answers }) => cpuMs / answers.length)),
      created: results.flatMap(({ answers }) => answers).filter((answer) => answer === 201).length,
      requests: results.flatMap(({ latencies }) => latencies).length,
      failures: results.reduce((sum, { failures }) => sum + failures, 0)
    })
  }
}

const perSecond = ({ answers, ms }: LoadResult) => (answers.length * 1000) / ms

function tabulate(us: Measured, them: Measured): string[][] {
  const row = (
    what: string,
    pick: (measured: Measured) => number,
    target: (ratio: number) => string = () => ''
  ) => {
    const ratio = pick(us) / pick(them)
    return [what, format(pick(us)), format(pick(them)), format(ratio), target(ratio)]
  }
  return [
    ['', 'ours', 'straightforward', 'ratio', 'target'],
    row('uploads a second', ({ uploadsPerSecond }) => uploadsPerSecond),
    row('GET /api/stats, p50, ms', ({ statsP50 }) => statsP50),
    row(
      'GET /api/stats, p99, ms',
      ({ statsP99 }) => statsP99,
      (ratio) => judge(`ratio ≤ ${TARGETS.statsRatio}`, ratio <= TARGETS.statsRatio)
    ),
    ...(canMeter
      ? [
          row(
            'peak memory above idle, MB',
            ({ memory }) => memory / MEGABYTE,
            () => judge(`≤ ${TARGETS.memory / MEGABYTE} MB`, us.memory <= TARGETS.memory)
          ),
          row('CPU time an upload, ms', ({ cpuPerUpload }) => cpuPerUpload)
        ]
      : []),
    row('saves not answered 201', ({ created }) => ROUNDS * CONCURRENT_SAVES - created),
    row('stats not answered 200', ({ failures }) => failures)
  ]
}
