import t from 'tap'
import { createMigration, lockNewTables } from '../../scripts/create-migration.ts'

t.test('rejects an invalid name', async (t) => {
  for (const name of ['', 'Add', 'add-tempo', 'add tempo', '../x', '_x', 'x_', '1', 'x'.repeat(101)]) {
    await t.rejects(createMigration(name), /Invalid migration name/, JSON.stringify(name))
  }
})

t.test('adds row level security to new tables only', async (t) => {
  const sql = 'ALTER TABLE "users" ADD COLUMN "x" TEXT;\n'
  t.equal(lockNewTables(sql), sql)
  const locked = lockNewTables(`${sql}CREATE TABLE "Odd Name" (\n);\n`)
  t.match(locked, 'ALTER TABLE "Odd Name" ENABLE ROW LEVEL SECURITY;')
  t.match(locked, 'ARRAY[\'"Odd Name"\']')
})
