import { loadavg } from 'node:os'
import { describeRun } from './measure/machine.ts'
import { toMarkdown } from './report.ts'
import { attacks } from './stages/attacks.ts'
import { memory } from './stages/memory.ts'
import { overload } from './stages/overload.ts'
import { reads } from './stages/reads.ts'
import { reconcile } from './stages/reconcile.ts'
import { uploads } from './stages/uploads.ts'
import { writeResults } from './write-results.ts'

const STAGES = { reads, uploads, memory, overload, attacks, reconcile }

const USAGE = `Usage: npm run bench -- [STAGE …]

  reads       reads and small saves compared with a hand-written server, in turn
  uploads     large saves compared with a straightforward server: throughput, memory, latency of other requests
  memory      20 concurrent saves of 50 MB in a memory cgroup of 256 MB (Linux, as root)
  overload    ten times the sustainable load; greedy users and attackers beside others
  attacks     attacks on a server within 256 or 512 MB, and what others notice of them (Linux, as root)
  reconcile   recordings:reconcile with 20,000 and 200,000 recordings

Without a stage, all stages run. The results replace the last ones in docs/benchmarks.md. Environment variables:
  BENCH_DATABASE_URL   a PostgreSQL server, as superuser (default: TEST_DATABASE_URL, then the embedded one)
  BENCH_SCALE          for a quick trial, whose results are only printed: 0.1 divides the size or number of
                       recordings, or the time, by ten`

type StageName = keyof typeof STAGES

const isStage = (name: string): name is StageName => Object.hasOwn(STAGES, name)

/** @returns the results as Markdown */
async function run(name: StageName, scale: number): Promise<string> {
  console.error(`${name}…`)
  const before = loadavg()[0]
  const report = await STAGES[name]({ scale, log: (line) => console.error(`  ${line}`) })
  const load = `Load average ${before?.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after.`
  return toMarkdown({ ...report, remarks: [...report.remarks, load, describeRun()] })
}

const args = process.argv.slice(2)
const names = args.length > 0 ? args.filter(isStage) : Object.keys(STAGES).filter(isStage)
const scale = Number(process.env['BENCH_SCALE'] || 1)

if (names.length < args.length || !(scale > 0)) {
  console.log(USAGE)
  process.exitCode = args.includes('--help') ? 0 : 2
} else {
  for (const name of names) {
    const results = await run(name, scale)
    console.log(`\n${results}`)
    if (scale === 1) await writeResults(name, results)
  }
  if (scale !== 1) console.log(`\nScale ${scale}: the targets apply to scale 1.`)
}
