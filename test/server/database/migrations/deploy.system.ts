import t from 'tap'
import { applyWithEngine, diagnose } from '../../../../scripts/schema-engine.ts'
import { deployMigrations } from '../../../../src/server/database/migrations/deploy.ts'
import { describeCatalogue } from '../../../helpers/catalogue.ts'
import { query, scratchDatabase } from '../../../helpers/scratch-database.ts'

const entries = async (url: string) =>
  await query(
    url,
    `
  SELECT migration_name AS name, finished_at >= started_at AS finished, applied_steps_count AS steps, logs,
    rolled_back_at
  FROM _prisma_migrations ORDER BY started_at`
  )

t.test('Prisma finds no problem and nothing to apply after our runner', async (t) => {
  const { url } = await scratchDatabase(t)
  const lines: string[] = []
  const applied = await deployMigrations(url, {
    log: (line) => {
      lines.push(line)
    }
  })
  t.match(applied[0], /^\d{14}_init$/)
  t.same(
    lines,
    applied.map((name) => `Applied ${name}`)
  )
  t.same(await diagnose(url), {
    editedMigrationNames: [],
    failedMigrationNames: [],
    hasMigrationsTable: true,
    history: null
  })
  t.same(await applyWithEngine(url), [])
  t.same(await deployMigrations(url), [], 'nor does our runner')
  t.same(
    await entries(url),
    applied.map((name) => ({ name, finished: true, steps: 1, logs: null, rolled_back_at: null }))
  )
})

t.test('our runner and Prisma create the same database', async (t) => {
  const ours = await scratchDatabase(t)
  const applied = await deployMigrations(ours.url)
  const [catalogue, history] = [await describeCatalogue(ours.url), await entries(ours.url)]
  t.ok(
    catalogue.includes('sessions.song_name character varying null:f default:'),
    'the catalogue is not empty'
  )
  const theirs = await scratchDatabase(t)
  t.same(await applyWithEngine(theirs.url), applied)
  t.same(await describeCatalogue(theirs.url), catalogue)
  t.same(await entries(theirs.url), history)
  t.same(await deployMigrations(theirs.url), [], 'our runner continues after Prisma')
})
