import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { Test } from 'tap'
import { migrationsDirectory } from '../../src/server/database/migrations/read.ts'
import { startEmbeddedDatabase } from './database-embedded.ts'
import { createRealDatabase } from './database-real.ts'

export interface TestDatabase {
  url: string
  /**
   * Whether it is a PostgreSQL server, where each connection is a session; the embedded database has one
   * session.
   */
  real: boolean
}

/** Names the template after the migrations' content, so that changed migrations get a new template. */
async function hashMigrations(): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(migrationsDirectory, { recursive: true })
  for (const name of entries.filter((name) => name.endsWith('.sql')).sort()) {
    hash.update(`${name}\n`).update(await readFile(new URL(name, migrationsDirectory)))
  }
  return hash.digest('hex').slice(0, 16)
}

/**
 * Starts a migrated, empty database and drops it at the end of the test: on the server of TEST_DATABASE_URL
 * (the URL of a superuser) if it is set, otherwise embedded. Both are copies of a template that the first
 * test builds. A database `withoutZones`, which does not know these time zones, is always embedded.
 */
export async function startDatabase(t: Test, withoutZones?: string[]): Promise<TestDatabase> {
  const hash = await hashMigrations()
  const server = withoutZones ? undefined : process.env['TEST_DATABASE_URL']
  const { url, close } = server
    ? await createRealDatabase(server, hash)
    : await startEmbeddedDatabase(hash, withoutZones)
  t.teardown(close)
  return { url, real: server !== undefined && server !== '' }
}
