import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { createMigrationHistory, differences, type Migration, refuseFailed } from './history.ts'
import { applyMigration } from './apply.ts'
import { createMigrationLock } from './lock.ts'

/** `prisma/migrations` of this package; the same from `src/` and from `dist/`. */
export const migrationsDirectory = new URL('../../../../prisma/migrations/', import.meta.url)

export interface DeployOptions {
  directory?: URL
  /** Gets one line for each migration applied, and for each that changed or disappeared since it was. */
  log?: (line: string) => void
  /** How long to wait while somebody else migrates the same database. */
  lockTimeoutMs?: number
}

async function readMigrations(directory: URL): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
  const read = async (name: string) =>
    await readFile(new URL(`${encodeURIComponent(name)}/migration.sql`, directory), 'utf8')
  return await Promise.all(names.map(async (name) => ({ name, script: await read(name) })))
}

/**
 * Applies the migrations that the database does not have yet, and returns their names. What `prisma migrate deploy` does,
 * with the same table and the same checksums, so that either may follow the other; but production then needs neither
 * Prisma's CLI nor its schema engine, an internal package, or a binary that the CLI downloads.
 *
 * Each file runs as one script, in one transaction with its entry in `_prisma_migrations`: after a failure nothing of it
 * remains but the entry, with its log, and nothing more is applied until that is marked as rolled back. A file with
 * nothing but a statement that no transaction may hold (CREATE INDEX CONCURRENTLY) runs without one.
 *
 * A migration that was changed or has disappeared since it was applied is reported and passed over: refusing would keep
 * an older version of the program from being put back. Other tables in the schema are no obstacle, as they are to Prisma.
 *
 * It uses a single connection, as the embedded database has but one session.
 */
export async function deployMigrations(databaseUrl: string, options: DeployOptions = {}): Promise<string[]> {
  const { directory = migrationsDirectory, log = () => {}, lockTimeoutMs = 60_000 } = options
  const migrations = await readMigrations(directory)
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 })
  // Whatever is asked next reports a lost connection; unheard, the event would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    const history = createMigrationHistory(client)
    const locked = createMigrationLock(client, lockTimeoutMs)
    await locked(history.create)
    const entries = await history.entries()
    refuseFailed(entries)
    differences(entries, migrations).forEach(log)
    const applied: string[] = []
    for (const migration of migrations) {
      if (!(await applyMigration(migration, { client, history, locked }))) continue
      log(`Applied ${migration.name}`)
      applied.push(migration.name)
    }
    return applied
  } finally {
    await client.end()
  }
}
