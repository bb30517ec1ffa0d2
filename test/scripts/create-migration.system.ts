import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { createMigration } from '../../scripts/create-migration.ts'
import { migrationsDirectory, pendingSql } from '../../scripts/schema-engine.ts'
import { deployMigrations } from '../../src/server/database/migrations/deploy.ts'
import { query, scratchDatabase } from '../helpers/scratch-database.ts'

const now = new Date('2030-01-02T03:04:05.678Z')

/** A copy of the migrations, plus one that `schema.prisma` does not have. */
async function withMigration(t: Test, sql: string): Promise<URL> {
  const directory = pathToFileURL(`${t.testdir()}/`)
  await cp(migrationsDirectory, directory, { recursive: true })
  await mkdir(new URL('20291231000000_more/', directory))
  await writeFile(new URL('20291231000000_more/migration.sql', directory), sql)
  return directory
}

t.test('the migrations match schema.prisma', async (t) => {
  t.equal(await pendingSql(), '', 'to write the missing migration: npm run db:migrate -- --name what_changed')
})

t.test('writes nothing when they match', async (t) => {
  const directory = await withMigration(t, '-- Not visible to Prisma.\nALTER TABLE users ADD CHECK (true);')
  const before = await readdir(directory)
  t.equal(await createMigration('nothing', { directory, now }), undefined)
  t.same(await readdir(directory), before)
})

t.test('writes a migration with the difference, which can be applied', async (t) => {
  const directory = await withMigration(
    t,
    'ALTER TABLE users DROP COLUMN picture; DROP TABLE session_leases;'
  )
  const name = await createMigration('bring_back', { directory, now })
  t.equal(name, '20300102030405_bring_back')
  const sql = await readFile(new URL(`${name}/migration.sql`, directory), 'utf8')
  t.match(sql, 'ADD COLUMN     "picture" VARCHAR')
  t.match(sql, 'CREATE TABLE "session_leases"')
  t.equal(await pendingSql(directory), '', 'the new migration is complete')

  const { url } = await scratchDatabase(t)
  t.same((await deployMigrations(url, { directory })).slice(-2), ['20291231000000_more', name])
  t.same(
    await query(url, "SELECT rowsecurity FROM pg_tables WHERE tablename = 'session_leases'"),
    [{ rowsecurity: true }],
    'row level security is enabled'
  )
})
