import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import { deployMigrations } from '../../../src/server/database/migrations/deploy.ts'
import { databaseTables } from '../../../src/server/database/tables.ts'
import { query, scratchDatabase } from '../../helpers/scratch-database.ts'

const CHECK_VIOLATION = '23514'
const INSUFFICIENT_PRIVILEGE = '42501'
const VISITORS = ['anon', 'authenticated']
const HEX = 'a'.repeat(64)

// Every Supabase project has two roles for its REST API, with grants on every new table. Roles belong to the
// whole server, where another test may create them at the same time.
const supabase = [
  ...VISITORS.map(
    (role) =>
      `DO $$ BEGIN CREATE ROLE ${role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`
  ),
  `GRANT USAGE ON SCHEMA public TO ${VISITORS.join()}`,
  `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO ${VISITORS.join()}`
]

const literal = (value: unknown): string => (value === null ? 'NULL' : pg.escapeLiteral(String(value)))
const insert = (table: string, row: Record<string, unknown>): string =>
  `INSERT INTO ${table} (${Object.keys(row).join()}) VALUES (${Object.values(row).map(literal).join()})`

const user = { id: randomUUID(), auth0_id: 'auth0|1', email: 'ada@example.com' }
const session = { user_id: user.id, song_name: 'Ode to Joy', instrument: 'Piano', duration_seconds: 60 }
const lease = { user_id: user.id, session_id: randomUUID(), holder: randomUUID(), expires_at: '2026-01-01Z' }

async function migrated(t: Test, ...before: string[]): Promise<string> {
  const { url } = await scratchDatabase(t)
  if (before.length > 0) await query(url, ...before)
  await deployMigrations(url)
  await query(url, insert('users', user), insert('sessions', session), insert('session_leases', lease))
  await query(
    url,
    'INSERT INTO open_uploads SELECT id, user_id, now() FROM sessions',
    "INSERT INTO maintenance_tasks VALUES ('clean-up', now())"
  )
  return url
}

async function tables(url: string): Promise<string[]> {
  const rows = await query<{ name: string }>(
    url,
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
  )
  return rows.map(({ name }) => name)
}

t.test('invalid rows are refused', async (t) => {
  const url = await migrated(t)
  const refused: Array<[table: string, row: Record<string, unknown>, values: Record<string, unknown[]>]> = [
    [
      'users',
      { ...user, id: randomUUID() },
      {
        auth0_id: ['', 'x'.repeat(256), 'a\nb', 'a\u007f', 'a\u0085'],
        streak_count: [-1],
        time_zone: ['', '+02:00', 'Europe/', 'Europe Berlin', '02:00']
      }
    ],
    [
      'sessions',
      session,
      {
        song_name: ['', '   ', '\t\n \r', 'x'.repeat(301)],
        instrument: ['', ' ', 'x'.repeat(301)],
        duration_seconds: [-1, 86_401],
        score_accuracy: [-1, 101],
        date: ['1899-12-30T23:59:59Z', 'infinity', '-infinity', '0044-03-15 BC', '10000-01-01Z'],
        recording_bytes: [-1],
        recording_sha256: ['', HEX.slice(1), HEX.toUpperCase(), `${HEX.slice(1)}g`]
      }
    ],
    ['session_leases', { ...lease, session_id: randomUUID() }, { content_digest: ['', HEX.toUpperCase()] }]
  ]
  const cases = refused.flatMap(([table, row, values]) =>
    Object.entries(values).flatMap(([column, wrong]) => wrong.map((value) => ({ table, row, column, value })))
  )
  for (const { table, row, column, value } of cases) {
    const error = { code: CHECK_VIOLATION, constraint: `${table}_${column}_check` }
    await t.rejects(
      query(url, insert(table, { ...row, [column]: value })),
      error,
      `${table}.${column} ${JSON.stringify(value).slice(0, 20)}`
    )
  }
})

t.test('every value that the contract allows is accepted', async (t) => {
  const url = await migrated(t)
  await query(
    url,
    ...['auth0|2', 'ü'.repeat(255)].map((sub) =>
      insert('users', { auth0_id: sub, email: '', time_zone: 'America/Argentina/ComodRivadavia' })
    ),
    ...['Etc/GMT+5', 'EST5EDT', 'GB-Eire', 'UTC', null].map((zone) =>
      insert('users', { auth0_id: `zone|${zone}`, email: 'x', time_zone: zone })
    ),
    insert('sessions', {
      ...session,
      song_name: '𝄞'.repeat(300),
      duration_seconds: 0,
      score_accuracy: 0,
      recording_bytes: 0,
      recording_sha256: HEX
    }),
    insert('sessions', {
      ...session,
      instrument: ' x',
      duration_seconds: 86_400,
      score_accuracy: 100,
      date: '1900-01-01T00:00:00+14:00',
      recording_bytes: 2 ** 40
    }),
    insert('session_leases', { ...lease, session_id: randomUUID(), content_digest: HEX })
  )
  t.same(await query(url, 'SELECT count(*)::int FROM sessions'), [{ count: 3 }])
})

t.test('deleting a user deletes their sessions', async (t) => {
  const url = await migrated(t)
  await query(url, 'DELETE FROM users')
  t.same(await query(url, 'SELECT id FROM sessions UNION SELECT session_id FROM session_leases'), [])
})

t.test('every table has row level security and no policy', async (t) => {
  const url = await migrated(t)
  t.same(await tables(url), databaseTables)
  t.same(
    await query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT rowsecurity"),
    [],
    'a new table needs: ALTER TABLE … ENABLE ROW LEVEL SECURITY'
  )
  t.same(await query(url, 'SELECT * FROM pg_policies'), [])
})

t.test('the roles of the Supabase REST API cannot read or write a row', async (t) => {
  const url = await migrated(t, ...supabase)
  await query(url, 'CREATE TABLE control (id INTEGER)', 'INSERT INTO control VALUES (1)')
  for (const role of VISITORS) {
    const as = async (...statements: string[]) =>
      await query(url, 'BEGIN', `SET LOCAL ROLE ${role}`, ...statements, 'COMMIT')
    await t.resolves(as('SELECT id FROM control'), `${role} has the grants that Supabase gives`)
    for (const table of (await tables(url)).filter((name) => name !== 'control')) {
      for (const statement of [
        `SELECT * FROM ${table}`,
        `DELETE FROM ${table}`,
        `INSERT INTO ${table} DEFAULT VALUES`,
        `TRUNCATE ${table}`
      ]) {
        await t.rejects(as(statement), { code: INSUFFICIENT_PRIVILEGE }, `${role}: ${statement}`)
      }
    }
  }
})

t.test('row level security protects the rows even with grants', async (t) => {
  const url = await migrated(t, ...supabase)
  for (const table of await tables(url)) {
    await query(url, `GRANT ALL ON ${table} TO anon`)
    t.ok((await query(url, `SELECT FROM ${table}`)).length > 0, `${table} has rows, for its owner`)
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('BEGIN; SET LOCAL ROLE anon')
    t.same((await client.query(`SELECT * FROM ${table}`)).rows, [], `${table} has none for anon`)
    await client.query('ROLLBACK')
    await client.end()
  }
})
