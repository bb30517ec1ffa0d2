import { createLoad } from '../load/load.ts'
import { PROBE_RATE } from '../load/target.ts'
import { createMemoryCgroup } from '../measure/memory-cgroup.ts'
import { quantile } from '../measure/statistics.ts'
import { startServer } from '../processes/server.ts'
import { format, judge, type Stage } from '../report.ts'
import { withResources } from '../resources.ts'
import { startSinkServices, syncUser } from '../services/environment.ts'

const AT_ONCE = 20
const MEGABYTES = 50

const MEGABYTE = 2 ** 20
/** The smallest machine of Fly.io. */
const MACHINE_BYTES = 256 * MEGABYTE

/** The largest saves that there are, to a server that has no more memory than the smallest machine. */
export const memory: Stage = ({ scale, log }) =>
  withResources(async (keep) => {
    const megabytes = Math.max(1, Math.round(MEGABYTES * scale))
    const title = `memory: ${AT_ONCE} saves of ${megabytes} MB at a time within ${MACHINE_BYTES / MEGABYTE} MB`
    const cgroup = createMemoryCgroup(MACHINE_BYTES)
    if ('unavailable' in cgroup) return { title, table: [], remarks: [`Skipped: ${cgroup.unavailable}.`] }
    keep(cgroup)

    const { database, env, token } = await startSinkServices(keep)
    const load = await createLoad(keep, { bytes: megabytes * MEGABYTE })
    const server = keep(await startServer('ours', env, cgroup.enclose))
    await syncUser(server.url, token)
    const idle = server.meter.rss()

    const { answers, ms, latencies, failures } = await load({ url: server.url, token }, AT_ONCE)
    log(`answered: ${answers.join(' ')}`)
    const created = answers.filter((answer) => answer === 201).length
    const kills = cgroup.oomKills()
    const memoryRow = (what: string, bytes: number) => [what, format(bytes / MEGABYTE), '']

    return {
      title,
      table: [
        ['', 'ours', 'target'],
        ['saves answered 201', format(created), judge(`all ${AT_ONCE}`, created === AT_ONCE)],
        ['other answers', answers.filter((answer) => answer !== 201).join(', ') || 'none', ''],
        ['killed for lack of memory', format(kills), judge('0', kills === 0)],
        memoryRow('idle memory of the process, MB', idle),
        memoryRow('its peak, MB', server.isAlive() ? server.meter.peakRss() : NaN),
        memoryRow('peak of the cgroup, MB, page cache included', cgroup.peak()),
        ['seconds in all', format(ms / 1000), ''],
        ['GET /api/stats, p99, ms', format(quantile(latencies, 0.99)), ''],
        ['stats not answered 200', format(failures), '']
      ],
      remarks: [
        `GET /api/stats ${PROBE_RATE} times a second meanwhile; ${database.kind}; the storage swallows what it gets.`
      ]
    }
  })
