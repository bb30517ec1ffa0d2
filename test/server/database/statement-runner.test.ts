import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createGate } from '../../../src/server/database/gate.ts'
import {
  createStatementRunner,
  defineStatement,
  supportsPreparedStatements
} from '../../../src/server/database/statement-runner.ts'
import { needsRealServer, query, scratchDatabase } from '../../helpers/scratch-database.ts'

const ANSWER = { name: 'answer', text: 'SELECT $1::int + 1 AS answer' }

t.test('statements with different texts have different names', async (t) => {
  const [one, other] = [defineStatement('list', 'SELECT 1'), defineStatement('list', 'SELECT 2')]
  t.match(one.name, /^list-[0-9a-f]{12}$/)
  t.not(one.name, other.name)
  t.equal(one.name, defineStatement('list', 'SELECT 1').name)
})

/** A runner on one connection, and what it has logged. */
async function start(t: Test) {
  const { url } = await scratchDatabase(t)
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  // `end` does not wait until the server has closed the connections, and dropping the database would end them with
  // an error.
  const closed: Array<Promise<void>> = []
  pool.on('connect', (client) => closed.push(new Promise((resolve) => client.once('end', resolve))))
  t.teardown(async () => {
    await pool.end()
    await Promise.all(closed)
  })
  const warnings: string[] = []
  const log = { warn: (message: string) => warnings.push(message) }
  const run = createStatementRunner(pool, {
    timeoutMs: 30_000,
    gate: createGate(30_000),
    prepared: true,
    log
  })
  return { pool, run, warnings }
}

t.test('a statement is prepared once and reused', async (t) => {
  const { pool, run, warnings } = await start(t)
  for (const value of [1, 2, 3]) t.same(await run(ANSWER, [value]), [{ answer: value + 1 }])
  const { rows } = await pool.query(
    "SELECT count(*)::int AS count FROM pg_prepared_statements WHERE name = 'answer'"
  )
  t.same(rows, [{ count: 1 }])
  t.same(warnings, [])
})

for (const [fault, provoke] of [
  ['is unknown to the connection', 'DEALLOCATE ALL'],
  ['exists with another text', 'DEALLOCATE ALL; PREPARE other AS SELECT 1']
] as const) {
  t.test(`after a prepared statement that ${fault}, statements run without names`, async (t) => {
    const { pool, run, warnings } = await start(t)
    await run(ANSWER, [1])
    await pool.query(provoke)
    const statement = fault.startsWith('is') ? ANSWER : { name: 'other', text: ANSWER.text }
    for (const value of [1, 2]) t.same(await run(statement, [value]), [{ answer: value + 1 }])
    t.equal(warnings.length, 1, 'one line in the log')
  })
}

t.test('a prepared statement survives a migration that changes the type of a column', async (t) => {
  const { pool, run, warnings } = await start(t)
  const statement = { name: 'typed', text: 'SELECT value FROM typed' }
  await pool.query('CREATE TABLE typed AS SELECT 1 AS value')
  for (let runs = 0; runs < 2; runs++) t.same(await run(statement, []), [{ value: 1 }])
  await pool.query('ALTER TABLE typed ALTER COLUMN value TYPE text')
  for (let runs = 0; runs < 2; runs++) t.same(await run(statement, []), [{ value: '1' }])
  t.equal(warnings.length, 1)
})

t.test('any other refusal stays an error, and its connection stays open', async (t) => {
  const { pool, run, warnings } = await start(t)
  let opened = 0
  pool.on('connect', () => opened++)
  const raise = "DO $$ BEGIN RAISE EXCEPTION 'beyond the quota' USING ERRCODE = 'HQ001'; END $$"
  for (let runs = 0; runs < 3; runs++) {
    await t.rejects(run({ name: 'division', text: 'SELECT 1 / $1::int' }, [0]), { code: '22012' })
    await t.rejects(run({ name: 'quota', text: raise }, []), { code: 'HQ001' })
  }
  t.equal(opened, 1)
  t.same(warnings, [])
})

t.test(
  'a statement that PostgreSQL ends because of a deadlock runs once more',
  { skip: needsRealServer },
  async (t) => {
    const { url } = await scratchDatabase(t)
    await query(
      url,
      'CREATE TABLE rows (id int PRIMARY KEY, value int)',
      'INSERT INTO rows VALUES (1, 0), (2, 0)'
    )
    const pool = new pg.Pool({ connectionString: url, max: 1, options: '-c deadlock_timeout=50ms' })
    const other = new pg.Client({ connectionString: url, options: '-c deadlock_timeout=60s' })
    await other.connect()
    t.teardown(() => Promise.all([pool.end(), other.end()]))
    const run = createStatementRunner(pool, {
      timeoutMs: 30_000,
      gate: createGate(30_000),
      prepared: true,
      log: { warn: () => {} }
    })
    const text = `WITH first AS MATERIALIZED (UPDATE rows SET value = value + $1 WHERE id = 1 RETURNING pg_sleep(0.3))
    UPDATE rows SET value = value + $1 FROM first WHERE id = 2 RETURNING value`

    await other.query('BEGIN; UPDATE rows SET value = value + 1 WHERE id = 2')
    const running = run({ name: 'both', text }, [10])
    await sleep(100)
    await other.query('UPDATE rows SET value = value + 1 WHERE id = 1; COMMIT')
    t.same(await running, [{ value: 11 }])
    t.same(await query(url, 'SELECT value FROM rows ORDER BY id'), [{ value: 11 }, { value: 11 }])
  }
)

t.test('prepared statements are off behind poolers in transaction mode', async (t) => {
  for (const [url, isSupported] of [
    ['postgresql://u:p@host:5432/db', true],
    ['postgresql://u:p@host/db', true],
    ['postgresql://u:p@host/db?sslmode=require', true],
    ['postgresql://u:p@host:6543/db', false],
    ['postgresql://u:p@host:5432/db?pgbouncer=true', false]
  ] as const) {
    t.equal(supportsPreparedStatements(url), isSupported, url)
  }
})
