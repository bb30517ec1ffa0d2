import { createLoad } from '../load/load.ts'
import { PROBE_RATE } from '../load/target.ts'
import { createMemoryCgroup } from '../measure/memory-cgroup.ts'
import { quantile } from '../measure/statistics.ts'
import { startServer } from '../processes/server.ts'
import { format, judge, type Stage } from '../report.ts'
import { withResources } from '../resources.ts'
import { startSinkServices, syncUser } from '../services/environment.ts'

const CONCURRENT_SAVES = 20
const MEGABYTES = 50

const MEGABYTE = 2 ** 20
/** The smallest machine of Fly.io. */
const MACHINE_BYTES = 256 * MEGABYTE

/** Concurrent saves of maximum size, on a server with the memory of the smallest machine. */
export const memory: Stage = ({ scale, log }) =>
  withResources(async (keep) => {
    const megabytes = Math.max(1, Math.round(MEGABYTES * scale))
    const title = `memory: ${CONCURRENT_SAVES} concurrent saves of ${megabytes} MB within ${MACHINE_BYTES / MEGABYTE} MB`
    const cgroup = createMemoryCgroup(MACHINE_BYTES)
    if ('unavailable' in cgroup) return { title, tables: [], remarks: [`Skipped: ${cgroup.unavailable}.`] }
    keep(cgroup)

    const { database, env, token } = await startSinkServices(keep)
    const load = await createLoad(keep, { bytes: megabytes * MEGABYTE })
    const server = keep(await startServer('ours', env, cgroup.enclose))
    await syncUser(server.url, token)
    const idle = server.meter.rss()

    const { answers, ms, latencies, failures } = await load({ url: server.url, token }, CONCURRENT_SAVES)
    log(`results: ${answers.join(' ')}`)
    const created = answers.filter((answer) => answer === 201).length
    const kills = cgroup.oomKills()
    const memoryRow = (what: string, bytes: number) => [what, format(bytes / MEGABYTE), '']

    return {
      title,
      tables: [
        [
          ['', 'ours', 'target'],
          [
            'saves answered 201',
            format(created),
            judge(`all ${CONCURRENT_SAVES}`, created === CONCURRENT_SAVES)
          ],
          ['other answers', answers.filter((answer) => answer !== 201).join(', ') || 'none', ''],
          ['killed by the out-of-memory killer', format(kills), judge('0', kills === 0)],
          memoryRow('memory of the idle process, MB', idle),
          memoryRow('peak of the process, MB', server.isAlive() ? server.meter.peakRss() : NaN),
          memoryRow('peak of the cgroup, MB, page cache included', cgroup.peak()),
          ['total seconds', format(ms / 1000), ''],
          ['GET /api/stats, p99, ms', format(quantile(latencies, 0.99)), ''],
          ['stats not answered 200', format(failures), '']
        ]
      ],
      remarks: [
        `GET /api/stats ${PROBE_RATE} times per second meanwhile; ${database.kind}; the storage discards the bytes.`
      ]
    }
  })
