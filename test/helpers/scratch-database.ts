import { randomUUID } from 'node:crypto'
import pg from 'pg'
import root, { type Test } from 'tap'
import { type Postgres, startPostgres } from '../../src/dev/postgres.ts'

const realServer = process.env['TEST_DATABASE_URL'] || undefined

/** For tests of what the embedded database, being one session, cannot show. */
export const needsRealServer = realServer === undefined && 'needs TEST_DATABASE_URL, a real server'

/** Runs statements on a connection of its own, gone before the answer is given. */
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

let embedded: Promise<Postgres> | undefined

async function wipe(url: string): Promise<string> {
  await query(
    url,
    'DROP SCHEMA public CASCADE',
    'CREATE SCHEMA public',
    'GRANT USAGE ON SCHEMA public TO PUBLIC'
  )
  return url
}

async function startEmbedded(): Promise<Postgres> {
  const postgres = await startPostgres()
  root.teardown(postgres.close)
  return postgres
}

/**
 * A database without anything in it, gone with the test: on the server of TEST_DATABASE_URL, or the embedded one. That
 * takes seconds to start, so a test file has one of them: the next scratch database is the last one, emptied.
 */
export async function scratchDatabase(t: Test): Promise<{ url: string }> {
  if (realServer !== undefined) return { url: await create(realServer, t) }
  return { url: await wipe((await (embedded ??= startEmbedded())).url) }
}
