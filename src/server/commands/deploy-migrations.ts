import { deployMigrations } from '../database/migrations/deploy.ts'

const EXAMPLE = 'postgresql://user:password@host:5432/name, with special characters percent-encoded'

function readUrl(env: NodeJS.ProcessEnv): string {
  const url = env['DATABASE_URL']
  if (!url) throw new Error(`DATABASE_URL is not set. Set it to the URL of the database: ${EXAMPLE}`)
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Error(`DATABASE_URL is not a PostgreSQL URL. Expected: ${EXAMPLE}`)
  }
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
  const applied = await deployMigrations(readUrl(process.env), {
    log: (line) => {
      console.log(line)
    }
  })
  console.log(
    applied.length === 0
      ? 'The database is up to date'
      : `The database is up to date: ${applied.length} applied`
  )
}

main().catch((error: unknown) => {
  console.error(`Migration failed: ${describe(error)}`)
  process.exitCode = 1
})
