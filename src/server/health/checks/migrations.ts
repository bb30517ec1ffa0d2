import type { RunSql } from '../../database/migrations/deploy.ts'
import { databaseTables } from '../../database/tables.ts'
import { ConfigurationFault } from '../../errors.ts'
import type { DatabaseFacts } from './database-facts.ts'

type Entry = { name: string; finished: boolean }

/**
 * The tables are those of this release: every one of its migrations is applied. Further ones do not matter,
 * because each is safe while the release before it still runs.
 * @param expected the names of this release's migrations, in order
 */
export async function checkMigrations(
  run: RunSql,
  { tables }: DatabaseFacts,
  expected: string[]
): Promise<ConfigurationFault | undefined> {
  const found = tables.map(({ name }) => name)
  const entries = found.includes('_prisma_migrations') ? await run<Entry>(ENTRIES) : []
  const failed = entries.find(({ name, finished }) => !finished && expected.includes(name))
  if (failed) {
    return new ConfigurationFault(
      'migration_failed',
      `The migration ${failed.name} has failed or is still running: npm run db:deploy says what to do`
    )
  }
  const [pending] = expected.filter((name) => !entries.some((entry) => entry.name === name))
  if (pending) {
    return new ConfigurationFault(
      'migrations_pending',
      `The migration ${pending} is not applied to the database: run npm run db:deploy`
    )
  }
  const missing = databaseTables.find((name) => !found.includes(name))
  if (missing === undefined) return undefined
  return new ConfigurationFault(
    'table_missing',
    `The table ${missing} does not exist, although its migration is applied: restore it from a backup`
  )
}

const ENTRIES = `
  SELECT migration_name AS name, finished_at IS NOT NULL AS finished
  FROM _prisma_migrations WHERE rolled_back_at IS NULL`
