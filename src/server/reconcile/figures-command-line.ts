import { parseArgs } from 'node:util'
import { isUuid } from '../../contract/uuid.ts'
import { loadConfig } from '../config.ts'
import { createDatabase } from '../database/client.ts'
import type { Invocation } from './recordings-command-line.ts'
import { createProgress } from './progress.ts'
import { reconcileFigures, type WrongUser } from './reconcile-figures.ts'

const USAGE = `Usage: npm run figures:reconcile -- [--mend] [--from USER_ID]

Compares the running figures of each user (sums, number of sessions, streak) with their sessions.
  --mend           count wrong figures again
  --from USER_ID   skip users with smaller ids, to continue where an earlier run stopped

Exit code: 0 when all figures are right or were mended; 1 when some are wrong; 2 when the run failed or was
stopped.`

/**
 * Runs the reconciliation of the figures with the options of the command line. If it fails or is stopped, it
 * prints how to continue.
 * @returns the exit code
 */
export async function runFiguresReconciliation({
  args,
  env,
  signal,
  out,
  terminal
}: Invocation): Promise<0 | 1 | 2> {
  let from: string | undefined
  try {
    const { help, mend, ...options } = readArguments(args)
    if (help) {
      out.log(USAGE)
      return 0
    }
    from = options.from
    const progress = createProgress({ terminal, from })
    const counts = { wrong: 0, mended: 0 }
    const checked = await withDatabase(env, (connected) =>
      reconcileFigures({
        ...connected,
        mend,
        from,
        signal,
        onUser: (userId) => {
          from = userId
          progress.at(userId)
        },
        report: (user) => {
          counts[user.isMended ? 'mended' : 'wrong']++
          progress.clear()
          out.log(describeUser(user))
        }
      })
    ).finally(progress.clear)
    out.log(`${checked} users checked, ${counts.mended} mended, ${counts.wrong} left with wrong figures.`)
    return counts.wrong === 0 ? 0 : 1
  } catch (error) {
    out.error(describeFailure(error as Error))
    if (from) out.error(`Not all users were checked. To continue from here, add --from ${from}`)
    return 2
  }
}

function readArguments(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      mend: { type: 'boolean', default: false },
      from: { type: 'string' },
      help: { type: 'boolean', default: false }
    }
  })
  const from = values.from?.toLowerCase()
  if (from !== undefined && !isUuid(from)) throw new Error(`--from must be the id of a user\n\n${USAGE}`)
  return { ...values, from }
}

async function withDatabase<T>(
  env: NodeJS.ProcessEnv,
  work: (
    connected: Pick<Parameters<typeof reconcileFigures>[0], 'database' | 'defaultTimeZone'>
  ) => Promise<T>
): Promise<T> {
  const config = loadConfig(env)
  const database = createDatabase(config.database)
  try {
    return await work({ database, defaultTimeZone: config.defaultTimeZone })
  } finally {
    await database.close()
  }
}

function describeUser({ userId, totals, streak, isMended }: WrongUser): string {
  const what = totals && streak ? 'sums and streak' : totals ? 'sums' : 'streak'
  return `${isMended ? 'mended' : 'found'} wrong figures (${what}) of user ${userId}`
}

const describeFailure = ({ message, cause }: Error) =>
  cause instanceof Error ? `${message} (${cause.message})` : message
