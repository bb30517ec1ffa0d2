/** A restore, rehearsed by `npm run backup:rehearse`, with PostgreSQL's own programs. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runTypescript } from '../../scripts/run-typescript.ts'
import { build } from '../helpers/app.ts'
import { isMissing } from '../helpers/missing-program.ts'
import { fixture } from '../helpers/recordings.ts'
import { needsRealServer, query, scratchDatabase } from '../helpers/scratch-database.ts'

const skip = needsRealServer || isMissing('pg_dump', '--version')
const script = fileURLToPath(new URL('../../scripts/rehearse-restore.ts', import.meta.url))

t.setTimeout(120_000)

type Outcome = { code: number; stdout: string; stderr: string }

const rehearse = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  new Promise<Outcome>((resolve) => {
    const options = { env: { PATH: process.env['PATH'], ...env } }
    execFile(process.execPath, [...runTypescript, script, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    )
  })

/** Two users with sessions of some days, with and without recordings. */
async function practise(t: Test) {
  const server = await build(t)
  const audioBase64 = (await fixture('recording.webm')).toString('base64')
  for (const sub of ['auth0|clara', 'auth0|robert']) {
    const user = server.as(sub)
    await user.sync({ timeZone: 'Europe/Berlin' })
    await user.save({ songName: 'Träumerei "π"', xmlContent: '<score-partwise/>', audioBase64 })
    await user.save({ date: new Date(Date.now() - 86_400_000).toISOString(), notes: 'slow\nand even' })
  }
  return server
}

t.test('a dump is restored, and the server goes on with it as before', { skip }, async (t) => {
  const server = await practise(t)
  const { database, storage, issuer } = server
  const restored = await scratchDatabase(t)
  const outcome = await rehearse(server.env, restored.url)
  t.match(outcome, { code: 0, stderr: '' }, outcome.stdout)
  for (const line of [
    '  sessions: 4 rows',
    '  users: 2 rows',
    'No migration is missing.',
    '2 users checked, 0 mended, 0 left with wrong figures.',
    'Recordings and sessions agree.',
    'The backup can be restored.'
  ]) {
    t.match(outcome.stdout, line)
  }
  const read = async ({ as }: Pick<typeof server, 'as'>) => {
    const clara = as('auth0|clara')
    return [
      (await clara.list()).json(),
      (await clara.stats()).json(),
      (await clara.call('GET', '/api/users/me')).json()
    ]
  }
  const before = await read(server)
  await server.app.close()
  const name = new URL(database.url).pathname.slice(1)
  const lost = [`DROP DATABASE ${name} WITH (FORCE)`, `CREATE DATABASE ${name}`]
  await query(process.env['TEST_DATABASE_URL'] ?? '', ...lost)
  const env = { ...server.env, DATABASE_URL: restored.url }
  const next = await build(t, {
    services: { env, database: { ...database, url: restored.url }, storage, issuer }
  })
  t.strictSame(await read(next), before)
  t.equal((await next.app.inject('/readyz')).statusCode, 200)
  t.equal((await next.as('auth0|clara').save()).statusCode, 201)
  t.match((await next.as('auth0|clara').stats()).json(), { streak: 2, total_minutes: 3 })
})

t.test('what is not as it was is named', { skip }, async (t) => {
  const server = await practise(t)
  const restored = await scratchDatabase(t)
  const [gone] = (await server.as('auth0|clara').list()).json<Array<{ audio_url: string }>>()
  const key = new URL(gone?.audio_url ?? '').pathname.split('/').slice(-2).join('/')
  await server.app.storage.remove([key])
  await query(server.database.url, 'CREATE ROLE anon NOLOGIN').catch(() => {}) // it exists already
  await query(restored.url, 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon')
  const outcome = await rehearse(server.env, restored.url)
  t.equal(outcome.code, 1)
  t.match(outcome.stdout, `found a session whose recording is missing`)
  const [rights] = await query<{ has: boolean }>(
    restored.url,
    `SELECT has_table_privilege('anon', 'sessions', 'SELECT') AS has`
  )
  t.strictSame(rights, { has: false }, 'visitors of the REST API get no rights')

  t.match(await rehearse(server.env, restored.url), {
    code: 2,
    stderr: 'The target has tables: name an empty database'
  })
  t.match(await rehearse(server.env), { code: 2, stderr: 'Usage' })
  const away = await rehearse(server.env, 'postgresql://postgres:hush@127.0.0.1:1/none')
  t.equal(away.code, 2)
  t.notMatch(away.stderr + away.stdout, 'hush')
})
