import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { deployMigrations } from '../../../src/server/database/migrations/deploy.ts'
import { build, startServices } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'
import { needsRealServer, query, scratchDatabase } from '../../helpers/scratch-database.ts'

const services = await startServices(t)
const { app, issuer, storage } = await build(t, {
  services,
  env: { STORAGE_TIMEOUT_MS: '1000', DATABASE_TIMEOUT_MS: '30000' }
})

const SOUND = { database: 'ok', storage: 'ok', issuer: 'ok', spool: 'ok' }

const look = async (url: string, { inject } = app) => {
  const response = await inject({ method: 'GET', url })
  return { status: response.statusCode, body: response.json<unknown>() }
}

/** Collects the lines that the app logs as errors. */
function collectErrors(t: Test, server: typeof app): string[] {
  const lines: string[] = []
  const { error } = server.log
  server.log.error = ((...[, text]: [object, string?]) => {
    lines.push(String(text))
  }) as typeof error
  t.teardown(() => {
    server.log.error = error
  })
  return lines
}

t.test('the health routes need no token', async (t) => {
  t.strictSame(await look('/healthz'), { status: 200, body: { status: 'ok' } })
  t.strictSame(await look('/readyz'), { status: 200, body: { status: 'ready', checks: SOUND } })
})

t.test('a failed dependency is reported without its address, and the process stays alive', async (t) => {
  await storage.stop()
  const { status, body } = await look('/readyz')
  t.equal(status, 503)
  t.strictSame(body, { status: 'degraded', checks: { ...SOUND, storage: 'storage_unavailable' } })
  t.equal((await look('/healthz')).status, 200)

  await storage.start()
  t.equal((await look('/readyz')).status, 200, 'ready again without a restart')
})

t.test('an issuer whose keys were never read is a failed dependency', async (t) => {
  const { app, issuer } = await build(t)
  await issuer.stop()
  t.strictSame(await look('/readyz', app), {
    status: 503,
    body: { status: 'degraded', checks: { ...SOUND, issuer: 'issuer_unavailable' } }
  })
})

t.test('the server stays ready with known keys when the issuer is down', async (t) => {
  await issuer.stop()
  t.equal((await look('/readyz')).status, 200)
  await issuer.start()
})

t.test(
  'a fault is logged once, with the sentence that says what to change',
  { skip: needsServerWithin },
  async (t) => {
    const lines = collectErrors(t, app)
    await storage.stop()
    await look('/readyz')
    await look('/readyz')
    t.equal(lines.length, 1)
    t.match(lines[0], /^storage is not available: \w/)
    await storage.start()
    await look('/readyz')
  }
)

t.test(
  'before the migrations every request that needs the database answers 503, and afterwards it succeeds',
  async (t) => {
    const { url } = await scratchDatabase(t)
    const { app, as } = await build(t, { services, env: { DATABASE_URL: url } })
    const clara = as(`auth0|${randomUUID()}`)
    for (const answer of [await clara.sync(), await clara.list(), await clara.save(), await clara.stats()]) {
      isProblem(t, answer, 'database_unavailable')
      t.notMatch(answer.json().detail, /retry|repeat|again|shortly/i)
    }
    t.strictSame((await look('/readyz', app)).body, {
      status: 'degraded',
      checks: { ...SOUND, database: 'migrations_pending' }
    })
    await deployMigrations(url)
    t.equal((await look('/readyz', app)).status, 200)
    t.equal((await clara.sync()).statusCode, 201)
    t.equal((await clara.save()).statusCode, 201)
  }
)

t.test(
  'a role that would see no rows gets 503 and not an empty history',
  { skip: needsRealServer },
  async (t) => {
    const role = `role_${randomUUID().slice(0, 8)}`
    const { url } = services.database
    await query(
      url,
      `CREATE ROLE ${role} LOGIN PASSWORD 'x'`,
      `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`
    )
    t.teardown(() => query(url, `DROP OWNED BY ${role}`, `DROP ROLE ${role}`))
    const poor = new URL(url)
    poor.username = role
    poor.password = 'x'
    const { app, as } = await build(t, { services, env: { DATABASE_URL: poor.href } })
    isProblem(t, await as('auth0|clara').list(), 'database_unavailable')
    t.match((await look('/readyz', app)).body, { checks: { database: 'role_not_owner' } })
    await query(url, `ALTER ROLE ${role} BYPASSRLS`)
    t.match((await look('/readyz', app)).body, { checks: { database: 'ok' } })
    t.equal((await as('auth0|clara').list()).statusCode, 200)
  }
)

t.test('a refused login is named', { skip: needsRealServer }, async (t) => {
  const url = new URL(services.database.url)
  url.pathname = 'no-such-database'
  const { app, as } = await build(t, { services, env: { DATABASE_URL: url.href } })
  t.match((await look('/readyz', app)).body, { checks: { database: 'database_refused' } })
  const answer = await as('auth0|clara').list()
  isProblem(t, answer, 'database_unavailable')
  t.notMatch(answer.json().detail, /retry|repeat|again|shortly/i)
})

t.test(
  'a directory without spool files is named, and a large save says that it cannot succeed',
  async (t) => {
    const { TMPDIR } = process.env
    const { app, as } = await build(t, { services })
    const clara = as(`auth0|${randomUUID()}`)
    await clara.sync()
    process.env['TMPDIR'] = '/nonexistent'
    t.teardown(() => {
      if (TMPDIR === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = TMPDIR
    })
    t.match(await look('/readyz', app), {
      status: 503,
      body: { checks: { ...SOUND, spool: 'spool_unwritable' } }
    })
    const bytes = Buffer.concat([await fixture('recording.webm'), Buffer.alloc(2_000_000)])
    const answer = await clara.save({ audioBase64: bytes.toString('base64') })
    isProblem(t, answer, 'server_busy')
    t.notMatch(answer.json().detail, /retry|repeat|again|shortly/i)
    t.equal((await clara.save()).statusCode, 201, 'what needs no spool file succeeds')
  }
)

t.test(
  'a draining server tells balancers to send requests elsewhere',
  { skip: needsServerWithin },
  async (t) => {
    const { app } = await build(t, { services })
    await app.drain(0)
    t.strictSame(await look('/healthz', app), { status: 503, body: { status: 'draining' } })
    t.match(await look('/readyz', app), { status: 503, body: { status: 'draining', checks: SOUND } })
  }
)
