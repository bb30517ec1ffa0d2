import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { loadConfig } from '../src/server/config.ts'
import { deployMigrations } from '../src/server/database/migrations/deploy.ts'
import { schemaOf } from '../src/server/environment/database-url.ts'
import { runFiguresReconciliation } from '../src/server/reconcile/figures-command-line.ts'
import { runReconciliation } from '../src/server/reconcile/recordings-command-line.ts'
import { describeDifferences, digestTables, type TableDigest } from './compare-tables.ts'
import { dump, restore } from './database-dump.ts'

const USAGE = `Usage: npm run backup:rehearse -- TARGET_URL

Dumps the database of DATABASE_URL, restores the dump into the empty database TARGET_URL, and checks what was
restored: rows and content of each table, migrations, figures, recordings. It needs the environment of the server,
and pg_dump and pg_restore of the database's version or a newer one. It changes neither DATABASE_URL nor the bucket.

Exit code: 0 when all is as it was; 1 when a finding needs attention; 2 when the rehearsal failed.`

/** Rehearses a restore. @returns the exit code */
async function rehearse(source: string, target: string): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'harmony-restore-'))
  const file = join(directory, 'dump')
  try {
    await timed('Checked that the target is empty', () => prepare(target))
    const digests = await timed('Dumped', () => dumpWithDigests(source, file))
    await timed('Restored', () => restore(target, { file, directory }))
    const found = await timed('Compared', () => withClient(target, (client) => digestOf(client, target)))
    found.forEach(({ table, rows }) => console.log(`  ${table}: ${rows} rows`))
    const faults = describeDifferences(digests, found)
    faults.forEach((fault) => console.log(fault))
    await withClient(target, (client) => revokeVisitors(client, schemaOf(target)))
    const codes = await checkContent(target)
    return Math.max(faults.length > 0 ? 1 : 0, ...codes)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Migrations, figures and recordings of the restored database, by the commands of the server. */
async function checkContent(target: string): Promise<number[]> {
  const applied = await deployMigrations(target)
  console.log(applied.length === 0 ? 'No migration is missing.' : `Applied ${applied.join(', ')}`)
  const invocation = {
    args: [],
    env: { ...process.env, DATABASE_URL: target },
    signal: new AbortController().signal,
    out: console
  }
  return [await runFiguresReconciliation(invocation), await runReconciliation(invocation)]
}

/** Digests and dump are of one snapshot, so the server may go on writing. */
function dumpWithDigests(url: string, file: string): Promise<TableDigest[]> {
  return withClient(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot')
    const bytes = await dump(url, { file, snapshot: rows[0]!.snapshot })
    console.log(`The dump has ${bytes} bytes.`)
    return digestTables(client, schemaOf(url))
  })
}

async function digestOf(client: pg.Client, url: string): Promise<TableDigest[]> {
  await client.query('BEGIN')
  return digestTables(client, schemaOf(url))
}

/** @throws {Error} when the target has tables: a rehearsal never overwrites */
async function prepare(target: string): Promise<void> {
  await withClient(target, async (client) => {
    const schema = schemaOf(target)
    const { rows } = await client.query<{ tables: number | null }>(
      `SELECT (SELECT count(*)::int FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p'))
        AS tables WHERE to_regnamespace($1) IS NOT NULL`,
      [client.escapeIdentifier(schema)]
    )
    if (rows.length === 0) await client.query(`CREATE SCHEMA ${client.escapeIdentifier(schema)}`)
    if (rows[0]?.tables) throw new Error('The target has tables: name an empty database')
  })
}

/** A new project of Supabase gives the roles of its REST API all rights on new tables. */
async function revokeVisitors(client: pg.Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated')`
  )
  for (const { rolname } of rows) {
    const place = client.escapeIdentifier(schema)
    await client.query(`REVOKE ALL ON ALL TABLES IN SCHEMA ${place} FROM ${client.escapeIdentifier(rolname)}`)
  }
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // the next query rejects
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await work()
  console.log(`${what} in ${((performance.now() - start) / 1000).toFixed(1)} s.`)
  return result
}

const [target, ...rest] = process.argv.slice(2)
try {
  if (target === undefined || rest.length > 0 || !URL.canParse(target)) throw new Error(USAGE)
  process.exitCode = await rehearse(loadConfig(process.env).database.url, target)
  console.log(process.exitCode === 0 ? 'The backup can be restored.' : 'Look at the findings above.')
} catch (error) {
  const { message, stderr } = error as Error & { stderr?: string }
  console.error(stderr || message)
  process.exitCode = 2
}
