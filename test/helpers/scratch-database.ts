import { randomUUID } from 'node:crypto'
import pg from 'pg'
import root, { type Test } from 'tap'
import { startEmptyEmbeddedDatabase, type EmbeddedDatabase } from './database-embedded.ts'

const realServer = process.env['TEST_DATABASE_URL'] || undefined

/** Skips tests that need several sessions: the embedded database has one. */
export const needsRealServer = realServer === undefined && 'needs TEST_DATABASE_URL, a real server'

/** Runs statements one after the other on a connection of their own; returns the rows of the last. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  ...statements: string[]
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: Row[] = []
    for (const statement of statements) rows = (await client.query<Row>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

async function create(server: string, t: Test): Promise<string> {
  const name = `scratch_${randomUUID().replaceAll('-', '')}`
  await query(server, `CREATE DATABASE ${name}`)
  t.teardown(async () => await query(server, `DROP DATABASE ${name} WITH (FORCE)`))
  const url = new URL(server)
  url.pathname = name
  return url.href
}

let embedded: Promise<EmbeddedDatabase> | undefined

async function wipe(url: string): Promise<string> {
  await query(
    url,
    'DROP SCHEMA public CASCADE',
    'CREATE SCHEMA public',
    'GRANT USAGE ON SCHEMA public TO PUBLIC'
  )
  return url
}

async function startEmbedded(): Promise<EmbeddedDatabase> {
  const postgres = await startEmptyEmbeddedDatabase()
  root.teardown(postgres.close)
  return postgres
}

/**
 * An empty database: on the server of TEST_DATABASE_URL, dropped at the end of the test; otherwise embedded,
 * one for each process, emptied by each call. So a test on the embedded database uses one scratch database at
 * a time.
 */
export async function scratchDatabase(t: Test): Promise<{ url: string }> {
  if (realServer !== undefined) return { url: await create(realServer, t) }
  return { url: await wipe((await (embedded ??= startEmbedded())).url) }
}
