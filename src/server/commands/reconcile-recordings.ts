import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { createDatabase } from '../plugins/database.ts'
import { createStorage } from '../plugins/storage.ts'
import { reconcileRecordings, type Finding } from '../sessions/reconcile-recordings.ts'

const USAGE = `Usage: npm run recordings:reconcile -- [--delete] [--min-age MINUTES]

Reports recordings without a session and sessions whose recording is gone.
  --delete            remove recordings without a session
  --min-age MINUTES   leave younger ones alone, they may be in flight (15; 0 also breaks off running saves)

Exit code: 0 when all is well, or was put right; 1 when something was found that is still there; 2 when it failed.`

const LINES: { [kind in Finding['kind']]: (finding: Finding & { kind: kind }) => string } = {
  leftover: ({ key, removed }) => `${removed ? 'removed' : 'found'} a recording without a session: ${key}`,
  missing: ({ sessionId, key }) => `found a session whose recording is gone: ${sessionId} (${key})`,
  foreign: ({ key }) => `found an object that is no recording of ours, left alone: ${key}`
}

const isOpen = (finding: Finding) => finding.kind === 'missing' || (finding.kind === 'leftover' && !finding.removed)

function readArguments () {
  const { values } = parseArgs({ options: { delete: { type: 'boolean', default: false }, 'min-age': { type: 'string', default: '15' }, help: { type: 'boolean', default: false } } })
  const minutes = Number(values['min-age'])
  if (!(minutes >= 0) || values['min-age'].trim() === '') throw new Error(`--min-age must be a number of minutes\n\n${USAGE}`)
  return { remove: values.delete, minAgeMs: minutes * 60_000, help: values.help }
}

async function run (): Promise<number> {
  const { help, ...options } = readArguments()
  if (help) {
    console.log(USAGE)
    return 0
  }
  const config = loadConfig(process.env)
  const database = createDatabase(config.database)
  const storage = createStorage(config.storage, config)
  let open = 0
  const report = (finding: Finding) => {
    if (isOpen(finding)) open++
    console.log((LINES[finding.kind] as (finding: Finding) => string)(finding))
  }
  try {
    await reconcileRecordings({ ...options, database, storage, report })
  } finally {
    await Promise.all([database.close(), storage.close()])
  }
  console.log(open === 0 ? 'Recordings and sessions agree.' : `${open} found that ${open === 1 ? 'needs' : 'need'} attention.`)
  return open === 0 ? 0 : 1
}

try {
  process.exitCode = await run()
} catch (error) {
  const { message, cause } = error as Error
  console.error(cause instanceof Error ? `${message} (${cause.message})` : message)
  process.exitCode = 2
}
