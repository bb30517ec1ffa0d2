import { isUuid } from '../../contract/uuid.ts'
import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { createDatabase } from '../database/client.ts'
import { createStorage } from '../storage/storage.ts'
import { createProgress, type Terminal } from './progress.ts'
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

/** How a command was called. */
export type Invocation = {
  args: string[]
  env: NodeJS.ProcessEnv
  /** Stops the run before its next step; the reason is printed. */
  signal: AbortSignal
  out: Pick<Console, 'log' | 'error'>
  /** Where to tell the progress. */
  terminal?: Terminal
}

/**
 * Runs the reconciliation with the options of the command line. If it fails or is stopped, it prints how to
 * continue.
 * @returns the exit code
 */
export async function runReconciliation({
  args,
  env,
  signal,
  out,
  terminal
}: Invocation): Promise<0 | 1 | 2> {
  let from: string | undefined
  try {
    const { help, ...options } = readArguments(args)
    if (help) {
      out.log(USAGE)
      return 0
    }
    from = options.from
    const progress = createProgress({ terminal, from })
    const onUser = (userId: string) => {
      from = userId
      progress.at(userId)
    }
    const unresolved = await reconcile({ ...options, signal, onUser }, env, (line) => {
      progress.clear()
      out.log(line)
    }).finally(progress.clear)
    out.log(
      unresolved === 0
        ? 'Recordings and sessions agree.'
        : `${unresolved} ${unresolved === 1 ? 'finding needs' : 'findings need'} attention.`
    )
    return unresolved === 0 ? 0 : 1
  } catch (error) {
    out.error(describe(error as Error))
    if (from) out.error(`Not all recordings were checked. To continue from here, add --from ${from}`)
    return 2
  }
}

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
  const from = values.from?.toLowerCase()
  if (from !== undefined && !isUuid(from)) throw new Error(`--from must be the id of a user\n\n${USAGE}`)
  return { remove: values.delete, minAgeMs: minutes * 60_000, from, help: values.help }
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

const describe = ({ message, cause }: Error) =>
  cause instanceof Error ? `${message} (${cause.message})` : message
