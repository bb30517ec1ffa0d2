import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { createDatabase } from '../database/client.ts'
import { createStorage } from '../storage/storage.ts'
import { readFrom, runCommandLine, type Invocation } from './command-line.ts'
import { reconcileRecordings, type Finding } from './reconcile-recordings.ts'

const USAGE = `Usage: npm run recordings:reconcile -- [--delete] [--min-age MINUTES] [--from USER_ID]

Reports recordings without a session, uploads that can no longer be completed, and sessions whose recording
is missing.
  --delete            remove these recordings and uploads
  --min-age MINUTES   skip younger ones, which may be in flight (default 15; 0 also aborts running saves)
  --from USER_ID      skip users with smaller ids, to continue where an earlier run stopped

Exit code: 0 when everything matches or was repaired; 1 when a finding needs attention; 2 when the run failed
or was stopped.`

const LINES: { [kind in Finding['kind']]: (finding: Finding & { kind: kind }) => string } = {
  leftover: ({ key, removed }) => `${removed ? 'removed' : 'found'} a recording without a session: ${key}`,
  unfinished: ({ key, removed }) => `${removed ? 'removed' : 'found'} an incomplete upload: ${key}`,
  missing: ({ sessionId, key }) => `found a session whose recording is missing: ${sessionId} (${key})`,
  foreign: ({ key }) => `found an object that is not a recording, left in place: ${key}`
}

/**
 * Runs the reconciliation with the options of the command line.
 * @returns the exit code
 */
export function runReconciliation(invocation: Invocation): Promise<0 | 1 | 2> {
  const { env, signal } = invocation
  return runCommandLine(invocation, {
    usage: USAGE,
    subject: 'recordings',
    readArguments,
    async run({ remove, minAgeMs, from }, { print, onUser }) {
      const unresolved = await reconcile({ remove, minAgeMs, from, signal, onUser }, env, print)
      return { summary: summarize(unresolved), isClean: unresolved === 0 }
    }
  })
}

const summarize = (unresolved: number) =>
  unresolved === 0
    ? 'Recordings and sessions agree.'
    : `${unresolved} ${unresolved === 1 ? 'finding needs' : 'findings need'} attention.`

function readArguments(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      delete: { type: 'boolean', default: false },
      'min-age': { type: 'string', default: '15' },
      from: { type: 'string' },
      help: { type: 'boolean', default: false }
    }
  })
  const minutes = Number(values['min-age'])
  if (!(minutes >= 0) || values['min-age'].trim() === '') {
    throw new Error(`--min-age must be a number of minutes\n\n${USAGE}`)
  }
  return {
    remove: values.delete,
    minAgeMs: minutes * 60_000,
    from: readFrom(values.from, USAGE),
    help: values.help
  }
}

type Options = Omit<Parameters<typeof reconcileRecordings>[0], 'database' | 'storage' | 'report'>

/** @returns the number of findings that need attention, because they were not removed */
async function reconcile(
  options: Options,
  env: NodeJS.ProcessEnv,
  print: (line: string) => void
): Promise<number> {
  const config = loadConfig(env)
  const database = createDatabase(config.database)
  const storage = createStorage(config.storage, config)
  let unresolved = 0
  const report = (finding: Finding) => {
    if (needsAttention(finding)) unresolved++
    print((LINES[finding.kind] as (finding: Finding) => string)(finding))
  }
  try {
    await reconcileRecordings({ ...options, database, storage, report })
  } finally {
    await Promise.all([database.close(), storage.close()])
  }
  return unresolved
}

const needsAttention = (finding: Finding) =>
  finding.kind === 'missing' || ('removed' in finding && !finding.removed)
