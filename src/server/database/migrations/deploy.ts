import pg from 'pg'
import { applyMigration } from './apply.ts'
import { describeDifferences, throwIfFailed } from './history-report.ts'
import { createMigrationHistory } from './history.ts'
import { createMigrationLock } from './lock.ts'
import { migrationsDirectory, readMigrations } from './read.ts'

/** Runs one statement of SQL. */
export type RunSql = <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>

/** Options of `deployMigrations`. */
export interface DeployOptions {
  /** Directory with one folder for each migration. Default: `migrationsDirectory`. */
  directory?: URL
  /**
   * Receives one line for each applied migration, and for each that changed or disappeared after it was
   * applied.
   */
  log?: (line: string) => void
  /**
   * Called before anything is changed, with a function that runs SQL on the connection. A rejection ends the
   * deployment.
   */
  checkBefore?: (run: RunSql) => Promise<void>
  /**
   * How long to wait while another process migrates the same database, in milliseconds. Default: a minute.
   */
  lockTimeoutMs?: number
}

/**
 * Applies the migrations that the database does not have yet, as `prisma migrate deploy` does: with the same
 * table, checksums and lock, so either can follow the other. docs/decisions/0004-own-migration-runner.md has
 * the reasons.
 *
 * Each script runs in one transaction together with its entry in `_prisma_migrations`. A failed script leaves
 * only an entry with the error, and blocks all further migrations until the entry is marked as rolled back. A
 * statement that refuses a transaction (CREATE INDEX CONCURRENTLY) fails.
 *
 * A migration that changed or disappeared after it was applied is reported and skipped, so that an older
 * version of the program can still be deployed. Other tables in the schema are allowed, unlike in Prisma.
 *
 * Uses a single connection, because the embedded database has a single session.
 * @returns the names of the applied migrations
 */
export async function deployMigrations(databaseUrl: string, options: DeployOptions = {}): Promise<string[]> {
  const { directory = migrationsDirectory, log = () => {}, checkBefore, lockTimeoutMs = 60_000 } = options
  const migrations = await readMigrations(directory)
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 })
  // Without a listener, a lost connection would end the process. The next query reports it.
  client.on('error', () => {})
  await client.connect()
  try {
    await checkBefore?.(async (text, values) => (await client.query(text, values)).rows)
    const history = createMigrationHistory(client)
    const withLock = createMigrationLock(client, lockTimeoutMs)
    await withLock(history.create)
    const entries = await history.entries()
    throwIfFailed(entries)
    describeDifferences(entries, migrations).forEach(log)
    const applied: string[] = []
    for (const migration of migrations) {
      if (!(await applyMigration(migration, { client, history, withLock }))) continue
      log(`Applied ${migration.name}`)
      applied.push(migration.name)
    }
    return applied
  } finally {
    await client.end()
  }
}
