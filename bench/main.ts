import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'
import { printReport, type Report } from './report.ts'
import { memory } from './stages/memory.ts'
import { reconcile } from './stages/reconcile.ts'
import { uploads } from './stages/uploads.ts'

const STAGES = { uploads, memory, reconcile }

const USAGE = `Usage: npm run bench -- [STAGE …]

  uploads     large saves compared with a straightforward server: throughput, memory, latency of other requests
  memory      20 concurrent saves of 50 MB in a memory cgroup of 256 MB (Linux, as root)
  reconcile   recordings:reconcile with 20,000 and 200,000 recordings

Without a stage, all stages run. Environment variables:
  BENCH_DATABASE_URL   a PostgreSQL server, as superuser (default: TEST_DATABASE_URL, then the embedded one)
  BENCH_SCALE          for a quick trial: 0.1 divides the size or number of recordings by ten`

type StageName = keyof typeof STAGES

const isStage = (name: string): name is StageName => Object.hasOwn(STAGES, name)

async function run(names: StageName[], scale: number): Promise<Report[]> {
  const reports: Report[] = []
  for (const name of names) {
    console.error(`${name}…`)
    const before = loadavg()[0]
    const report = await STAGES[name]({ scale, log: (line) => console.error(`  ${line}`) })
    const load = `Load average ${before?.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after.`
    reports.push({ ...report, remarks: [...report.remarks, load] })
  }
  return reports
}

function describeMachine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return `Node.js ${process.version}, ${platform()} ${release()} ${arch()}, ${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${gigabytes} GB`
}

const args = process.argv.slice(2)
const names = args.length > 0 ? args.filter(isStage) : Object.keys(STAGES).filter(isStage)
const scale = Number(process.env['BENCH_SCALE'] || 1)

if (names.length < args.length || !(scale > 0)) {
  console.log(USAGE)
  process.exitCode = args.includes('--help') ? 0 : 2
} else {
  const reports = await run(names, scale)
  for (const report of reports) printReport(report)
  if (scale !== 1) console.log(`\nScale ${scale}: the targets apply to scale 1.`)
  console.log(`\n${describeMachine()}, ${new Date().toISOString().slice(0, 10)}`)
}
