import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { deployMigrations } from '../../src/server/database/migrations/deploy.ts'
import { startScript } from '../processes/script.ts'

/** A migrated database for the benchmark. */
export type BenchDatabase = { url: string; kind: string; close: () => Promise<void> }

const server = process.env['BENCH_DATABASE_URL'] || process.env['TEST_DATABASE_URL']

/** Creates the database on the configured server, or starts an embedded one in its own process. */
export async function startDatabase(): Promise<BenchDatabase> {
  const database = server ? await createDatabase(server) : await startEmbedded()
  await deployMigrations(database.url)
  return database
}

async function startEmbedded(): Promise<BenchDatabase> {
  const { ready, close } = await startScript('services/embedded-database')
  return { url: ready as string, kind: 'embedded PostgreSQL', close }
}

async function createDatabase(server: string): Promise<BenchDatabase> {
  const name = `harmony_helper_bench_${randomUUID().replaceAll('-', '')}`
  const url = new URL(server)
  url.pathname = name
  await query(server, `CREATE DATABASE ${name}`)
  return {
    url: url.href,
    kind: 'PostgreSQL server',
    close: async () => {
      await query(server, `DROP DATABASE ${name} WITH (FORCE)`)
    }
  }
}

/** Runs a statement on a new connection. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  statement: string,
  values: unknown[] = []
): Promise<Row[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query<Row>(statement, values)).rows
  } finally {
    await client.end()
  }
}
