import { mkdir, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { diagnose } from '../../../../scripts/schema-engine.ts'
import { deployMigrations } from '../../../../src/server/database/migrations/deploy.ts'
import { needsRealServer, query, scratchDatabase } from '../../../helpers/scratch-database.ts'
import { until } from '../../../helpers/until.ts'

const FIRST = 'CREATE TABLE songs (id INTEGER PRIMARY KEY);\nINSERT INTO songs VALUES (1);\n'

/** Creates a directory of migrations from scripts by name. */
async function migrations(t: Test, scripts: Record<string, string>): Promise<URL> {
  const directory = pathToFileURL(`${t.testdir()}/`)
  for (const [name, script] of Object.entries(scripts)) {
    await mkdir(new URL(name, directory))
    await writeFile(new URL(`${name}/migration.sql`, directory), script)
  }
  return directory
}

const entries = async (url: string) =>
  await query(
    url,
    `
  SELECT migration_name AS name, finished_at >= started_at AS finished, applied_steps_count AS steps, logs,
    rolled_back_at
  FROM _prisma_migrations ORDER BY started_at`
  )

t.test(
  'a failed migration leaves only a record, and is applied again once it is marked as rolled back',
  async (t) => {
    const { url } = await scratchDatabase(t)
    const scripts = {
      '1_first': FIRST,
      '2_bad': 'CREATE TABLE half (id INTEGER);\n\nINSERT INTO songs VALUES (1);\n',
      '3_last': 'CREATE TABLE last ()'
    }
    const directory = await migrations(t, scripts)
    await t.rejects(
      deployMigrations(url, { directory }),
      /^Migration 2_bad failed: duplicate key.*\(SQLSTATE 23505\)\. .*UPDATE _prisma_migrations SET rolled_back_at/
    )
    t.same(
      await query(
        url,
        "SELECT to_regclass('songs') AS songs, to_regclass('half') AS half, to_regclass('last') AS last"
      ),
      [{ songs: 'songs', half: null, last: null }]
    )
    t.match(await entries(url), [
      { name: '1_first', finished: true },
      { name: '2_bad', finished: null, steps: 0, logs: /duplicate key/, rolled_back_at: null }
    ])

    await t.rejects(
      deployMigrations(url, { directory }),
      /Migration 2_bad failed at \d{4}-.* UTC: duplicate key/
    )
    t.equal((await entries(url)).length, 2, 'a refusal records nothing')
    t.match(await diagnose(url, directory), { failedMigrationNames: ['2_bad'] }, 'Prisma agrees')

    await query(
      url,
      "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '2_bad' AND finished_at IS NULL",
      'DELETE FROM songs'
    )
    t.same(await deployMigrations(url, { directory }), ['2_bad', '3_last'])
    t.match(await diagnose(url, directory), { failedMigrationNames: [], history: null })
  }
)

t.test('a failure names the line', async (t) => {
  const { url } = await scratchDatabase(t)
  const directory = await migrations(t, { '1_bad': '-- one\nCREATE TABLE a ();\n  SELECT nothing;\n' })
  await t.rejects(
    deployMigrations(url, { directory }),
    /column "nothing" does not exist \(line 3, SQLSTATE 42703\)/
  )
})

t.test('a script that ends the transaction itself fails and is recorded', async (t) => {
  const { url } = await scratchDatabase(t)
  const rollback = await migrations(t, { '1_rollback': 'CREATE TABLE a (); ROLLBACK;' })
  await t.rejects(deployMigrations(url, { directory: rollback }), /1_rollback failed: The script rolls back/)
  t.match(await entries(url), [{ name: '1_rollback', finished: null }])
  await query(url, 'UPDATE _prisma_migrations SET rolled_back_at = now()')
  const commit = await migrations(t, { '2_commit': 'CREATE TABLE kept (); COMMIT; SELECT nothing;' })
  await t.rejects(deployMigrations(url, { directory: commit }), /2_commit failed: column "nothing"/)
  t.match((await entries(url)).slice(1), [{ name: '2_commit', finished: null, logs: /nothing/ }])
})

t.test('deferred constraints are checked before the migration is recorded as applied', async (t) => {
  const { url } = await scratchDatabase(t)
  const directory = await migrations(t, {
    '1_deferred':
      'CREATE TABLE a (id INTEGER PRIMARY KEY, other INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO a VALUES (1, 2);'
  })
  await t.rejects(
    deployMigrations(url, { directory }),
    /1_deferred failed: .*violates foreign key constraint/
  )
  t.match(await entries(url), [{ name: '1_deferred', finished: null }])
})

t.test('a statement that refuses a transaction fails with advice', async (t) => {
  const { url } = await scratchDatabase(t)
  const directory = await migrations(t, {
    '1_first': FIRST,
    '2_index': '-- Large table.\nCREATE INDEX CONCURRENTLY songs_idx ON songs (id);'
  })
  await t.rejects(
    deployMigrations(url, { directory }),
    /2_index failed: .* \(SQLSTATE 25001\)\. Each migration runs in one transaction: .* run it by hand/
  )
  t.match(await entries(url), [{ finished: true }, { name: '2_index', finished: null, logs: /25001/ }])
  t.same(await query(url, "SELECT to_regclass('songs_idx') AS index"), [{ index: null }])
})

t.test('changed and missing migrations are reported and do not stop others', async (t) => {
  const { url } = await scratchDatabase(t)
  const directory = await migrations(t, {
    '1_first': FIRST,
    '2_gone': 'SELECT 1',
    '3_same': 'SELECT 1;\nSELECT 2;\n'
  })
  await deployMigrations(url, { directory })
  const later = await migrations(t, {
    '1_first': `${FIRST}-- edited`,
    '3_same': 'SELECT 1;\r\nSELECT 2;\r\n',
    '4_new': 'SELECT 1'
  })
  const lines: string[] = []
  t.same(
    await deployMigrations(url, {
      directory: later,
      log: (line) => {
        lines.push(line)
      }
    }),
    ['4_new']
  )
  t.match(lines, [
    /^Warning: migration 1_first was changed/,
    /^Warning: migration 2_gone .* file is missing/,
    /^Applied 4_new$/
  ])
  t.match(
    await diagnose(url, later),
    { editedMigrationNames: ['1_first'] },
    'Prisma ignores line endings, too'
  )
})

t.test('a missing script or directory is an error before any migration is applied', async (t) => {
  const directory = await migrations(t, { '1_first': FIRST })
  await mkdir(new URL('2_empty', directory))
  await t.rejects(deployMigrations('postgresql://nobody@127.0.0.1:1/x', { directory }), /2_empty/)
  await t.rejects(
    deployMigrations('postgresql://nobody@127.0.0.1:1/x', { directory: new URL('nowhere/', directory) }),
    /nowhere/
  )
})

t.test('concurrent runners apply each migration once', async (t) => {
  const { url } = await scratchDatabase(t)
  const directory = await migrations(t, {
    '1_slow': `${FIRST} SELECT pg_sleep(0.3);`,
    '2_next': 'CREATE TABLE next ()'
  })
  const applied = await Promise.all([1, 2, 3].map(async () => await deployMigrations(url, { directory })))
  t.same(applied.flat().sort(), ['1_slow', '2_next'])
  t.match(await entries(url), [
    { name: '1_slow', finished: true },
    { name: '2_next', finished: true }
  ])
  t.equal((await entries(url)).length, 2)
})

const untilFound = (url: string, sql: string) => until(async () => (await query(url, sql)).length > 0)

t.test("the runner waits for Prisma's lock within a time limit", { skip: needsRealServer }, async (t) => {
  const { url } = await scratchDatabase(t)
  const holding = query(url, 'SELECT pg_advisory_lock(72707369)', 'SELECT pg_sleep(2)')
  await untilFound(
    url,
    `SELECT 1 FROM pg_locks JOIN pg_database ON database = pg_database.oid
     WHERE datname = current_database() AND objid = 72707369 AND granted`
  )
  await t.rejects(
    deployMigrations(url, { lockTimeoutMs: 200 }),
    /Another process has been migrating this database for 0.2 s/
  )
  t.match((await deployMigrations(url))[0], /_init$/)
  await holding
})

t.test(
  'a lost connection is not recorded as a failure of the migration',
  { skip: needsRealServer },
  async (t) => {
    const { url } = await scratchDatabase(t)
    const directory = await migrations(t, { '1_first': `${FIRST} SELECT pg_sleep(10);` })
    const deploying = t.rejects(deployMigrations(url, { directory }))
    await untilFound(
      url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND query LIKE '%INSERT INTO songs%' AND pid <> pg_backend_pid()`
    )
    await deploying
    t.same(await deployMigrations(url, { directory }), ['1_first'])
  }
)
