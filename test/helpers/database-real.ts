import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { deployMigrations } from '../../src/server/database/migrations/deploy.ts'

// Number of the advisory lock that protects the creation of the template. Any constant is possible.
const TEMPLATE_LOCK = 7_215_204

function urlOf(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = database
  return url.href
}

async function withClient<T>(server: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(server)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

// Created under another name and renamed when complete, so that a killed test leaves no partial template.
async function ensureTemplate(server: string, client: pg.Client, template: string) {
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK])
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [template])
  if (rowCount === 0) {
    const draft = `${template}_draft`
    await client.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`)
    await client.query(`CREATE DATABASE ${draft}`)
    await deployMigrations(urlOf(server, draft))
    await client.query(`ALTER DATABASE ${draft} RENAME TO ${template}`)
  }
  await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK])
}

/** Creates a migrated database on a PostgreSQL server; `server` is the URL of a superuser. */
export async function createRealDatabase(
  server: string,
  hash: string
): Promise<{ url: string; close(): Promise<void> }> {
  const template = `harmony_helper_test_${hash}`
  const name = `${template}_${randomBytes(6).toString('hex')}`
  await withClient(server, async (client) => {
    await ensureTemplate(server, client, template)
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  })
  const close = () =>
    withClient(server, async (client) => {
      await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
    })
  return { url: urlOf(server, name), close }
}
