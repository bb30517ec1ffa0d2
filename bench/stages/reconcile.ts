import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canMeter } from '../measure/process-meter.ts'
import { runCommand } from '../processes/command.ts'
import { startScript } from '../processes/script.ts'
import { format, type Stage } from '../report.ts'
import { withResources } from '../resources.ts'
import { startServices, SERVICE_KEY } from '../services/environment.ts'
import { createSessions, writeStorage } from '../services/history.ts'

const COUNTS = [20_000, 200_000]
const BUCKET = 'harmony-helper-recordings'
const MEGABYTE = 2 ** 20

type Measured = { count: number; seconds: number; peak: number; kind: string }

/** `recordings:reconcile` with few and with many recordings: its memory must not grow with their number. */
export const reconcile: Stage = async ({ scale, log }) => {
  const results: Measured[] = []
  for (const count of COUNTS) {
    const result = await measure(Math.max(2, Math.round(count * scale)))
    log(`${format(result.count)} recordings: ${format(result.seconds)} s`)
    results.push(result)
  }
  return {
    title: 'reconcile: recordings:reconcile by number of recordings and sessions',
    tables: [tabulate(results)],
    remarks: [
      `Embedded storage with empty recordings; ${results[0]?.kind}. Each run found the one orphaned and the one missing recording.`,
      ...(canMeter ? [] : ['No memory figures: they need Linux.'])
    ]
  }
}

const measure = (count: number) =>
  withResources<Measured>(async (keep) => {
    const directory = mkdtempSync(join(tmpdir(), 'harmony-bench-'))
    keep({ close: () => rmSync(directory, { recursive: true, force: true }) })

    const { database, env } = await startServices(keep, 'http://127.0.0.1:1')
    const [missing, ...keys] = await createSessions(database.url, count)
    const orphan = `${randomUUID()}/${randomUUID()}.webm`
    writeStorage(directory, BUCKET, [...keys, orphan])
    const storage = keep(
      await startScript('services/embedded-storage', { directory, serviceKey: SERVICE_KEY })
    )

    const { stdout, ms, peakRss } = await runCommand('dist/server/commands/reconcile-recordings.js', {
      ...env,
      SUPABASE_URL: storage.ready as string
    })
    const isRight = stdout.includes(orphan) && stdout.includes(missing!) && stdout.includes('2 findings')
    if (!isRight) throw new Error(`The reconciliation did not find the two problems:\n${stdout}`)
    return { count, seconds: ms / 1000, peak: peakRss, kind: database.kind }
  })

function tabulate(results: Measured[]): string[][] {
  const row = (what: string, pick: (measured: Measured) => number) => {
    const numbers = results.map(pick)
    return [what, ...numbers.map(format), format(numbers.at(-1)! / numbers[0]!)]
  }
  return [
    ['', ...results.map(({ count }) => count.toLocaleString('en')), 'ratio'],
    ...(canMeter ? [row('peak memory of the process, MB', ({ peak }) => peak / MEGABYTE)] : []),
    row('seconds', ({ seconds }) => seconds)
  ]
}
