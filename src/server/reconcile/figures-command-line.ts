import { parseArgs } from 'node:util'
import { loadConfig } from '../config.ts'
import { createDatabase } from '../database/client.ts'
import { readFrom, runCommandLine, type Invocation } from './command-line.ts'
import { reconcileFigures, type WrongUser } from './reconcile-figures.ts'

const USAGE = `Usage: npm run figures:reconcile -- [--mend] [--from USER_ID]

Compares the running figures of each user (sums, number of sessions, streak) with their sessions.
  --mend           count wrong figures again
  --from USER_ID   skip users with smaller ids, to continue where an earlier run stopped

Exit code: 0 when all figures are right or were mended; 1 when some are wrong; 2 when the run failed or was
stopped.`

/**
 * Runs the reconciliation of the figures with the options of the command line.
 * @returns the exit code
 */
export function runFiguresReconciliation(invocation: Invocation): Promise<0 | 1 | 2> {
  const { env, signal } = invocation
  return runCommandLine(invocation, {
    usage: USAGE,
    subject: 'users',
    readArguments,
    async run({ mend, from }, { print, onUser }) {
      const counts = { wrong: 0, mended: 0 }
      const report = (user: WrongUser) => {
        counts[user.isMended ? 'mended' : 'wrong']++
        print(describeUser(user))
      }
      const checked = await withDatabase(env, (connected) =>
        reconcileFigures({ ...connected, mend, from, signal, onUser, report })
      )
      const summary = `${checked} users checked, ${counts.mended} mended, ${counts.wrong} left with wrong figures.`
      return { summary, isClean: counts.wrong === 0 }
    }
  })
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
  return { ...values, from: readFrom(values.from, USAGE) }
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
