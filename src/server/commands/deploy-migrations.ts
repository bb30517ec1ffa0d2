import { sqlState } from '../database/errors.ts'
import { deployMigrations } from '../database/migrations/deploy.ts'
import { toConfigurationFault } from '../database/configuration-faults.ts'
import { describeDatabaseUrl, schemaOf } from '../environment/database-url.ts'
import { describeWrapping } from '../environment/wrapping.ts'
import { findDeploymentFaults } from '../health/checks/database.ts'

function readUrl(env: NodeJS.ProcessEnv): string {
  const url = env['DATABASE_URL']
  if (!url?.trim()) throw new Error('DATABASE_URL is not set: set it to the URL of the database')
  const fault = describeWrapping('DATABASE_URL', url) ?? describeDatabaseUrl(url)
  if (fault) throw new Error(`DATABASE_URL ${fault}`)
  return url
}

/**
 * The error in one line. Messages of pg name hosts and users, never the password. A refused connection to a
 * host with several addresses is an AggregateError without a message.
 */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describe).join('; ')
  const message = error instanceof Error ? error.message : String(error)
  return message.replaceAll(/\s*\n\s*/g, ' ')
}

async function main(): Promise<void> {
  const url = readUrl(process.env)
  const applied = await deployMigrations(url, {
    log: (line) => {
      console.log(line)
    },
    checkBefore: async (run) => {
      const [fault] = await findDeploymentFaults(run, { schema: schemaOf(url) })
      if (fault) throw fault
    }
  })
  console.log(
    applied.length === 0
      ? 'The database is up to date'
      : `The database is up to date: ${applied.length} applied`
  )
}

main().catch((error: unknown) => {
  console.error(`Migration failed: ${describe(toConfigurationFault(sqlState(error), error) ?? error)}`)
  process.exitCode = 1
})
