import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import { getLogs } from '@prisma/debug'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createDatabase } from '../../../src/server/database/client.ts'
import { defineStatement } from '../../../src/server/database/statement-runner.ts'
import { ApiError } from '../../../src/server/errors.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'
import { needsRealServer, query } from '../../helpers/scratch-database.ts'

const LIMIT_MS = 800
// Tolerance for a busy machine.
const SLACK_MS = 700
const services = await startServices(t)
const databaseUrl = services.database.url
// The first query of a process is slow, and the limits below are short.
await (await build(t, { services })).as('auth0|first').list()

async function start(t: Test, env: NodeJS.ProcessEnv = {}) {
  const proxy = await startFaultyProxy(t, databaseUrl)
  const { app, as } = await build(t, {
    services,
    env: {
      DATABASE_URL: proxy.url,
      DATABASE_TIMEOUT_MS: String(LIMIT_MS),
      PREPARED_STATEMENTS: 'off',
      ...env
    }
  })
  // Before the app is closed: on a single session an open transaction blocks everything else.
  t.teardown(() => proxy.resume())
  const clara = as(`auth0|${randomUUID()}`)
  await untilServed(() => clara.sync())
  return { app, proxy, clara }
}

type Answer = Awaited<ReturnType<Caller['list']>>

/**
 * Repeats until success, for a minute at most. A busy machine may need longer than the time limit to connect and
 * to finish delayed queries.
 */
async function untilServed(call: () => Promise<Answer>): Promise<Answer> {
  const end = Date.now() + 60_000
  let answer = await call()
  while (answer.statusCode === 503 && Date.now() < end) answer = await call()
  return answer
}

function isUnavailable(t: Test, answer: Answer, about: string) {
  t.match(
    answer,
    { statusCode: 503, headers: { 'retry-after': /^\d+$/, 'content-type': /^application\/problem\+json/ } },
    about
  )
  t.equal(answer.json().code, 'database_unavailable')
  t.notMatch(answer.body, /127\.0\.0\.1|postgres|SELECT|ECONN/i, 'no internal detail')
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; milliseconds: number }> {
  const startedAt = performance.now()
  const result = await work
  return { result, milliseconds: performance.now() - startedAt }
}

const everyCall = (caller: Caller): Array<[string, () => Promise<Answer>]> => [
  ['sync', () => caller.sync()],
  ['save', () => caller.save()],
  ['list', () => caller.list()],
  ['get', () => caller.get(randomUUID())],
  ['delete', () => caller.remove(randomUUID())],
  ['stats', () => caller.stats()]
]

/** Queries the database directly, so that uncommitted rows are not counted. */
async function countRows(sub: string): Promise<number> {
  const [row] = await query<{ count: string }>(
    databaseUrl,
    `SELECT count(*) FROM sessions JOIN users ON users.id = user_id WHERE auth0_id = '${sub}'`
  )
  return Number(row?.count)
}

t.test('every call answers 503 while the database is down, and succeeds afterwards', async (t) => {
  const { app, proxy, clara } = await start(t)
  await clara.save()
  await proxy.refuse()
  for (const [name, call] of everyCall(clara)) isUnavailable(t, await call(), name)
  t.equal((await app.inject('/healthz')).statusCode, 200)
  t.match((await app.inject('/readyz')).json(), { status: 'degraded', checks: { storage: 'ok' } })
  await proxy.resume()
  t.equal((await untilServed(() => clara.list())).json().length, 1)
  t.equal((await clara.save()).statusCode, 201)
})

t.test('a server that starts before its database serves once the database is up', async (t) => {
  const proxy = await startFaultyProxy(t, databaseUrl)
  await proxy.refuse()
  const { app, as } = await build(t, { services, env: { DATABASE_URL: proxy.url } })
  isUnavailable(t, await as('auth0|early').list(), 'list')
  t.equal((await app.inject('/healthz')).statusCode, 200)
  await proxy.resume()
  t.equal((await untilServed(() => as('auth0|early').list())).statusCode, 200)
})

t.test('calls to a hanging database end within the time limit and have no later effect', async (t) => {
  const { proxy, clara } = await start(t)
  proxy.hang()
  const calls = [...everyCall(clara), ...everyCall(clara), ...everyCall(clara)]
  const answers = await Promise.all(
    calls.map(([name, call]) => timed(call()).then((answer) => ({ name, ...answer })))
  )
  for (const { name, result, milliseconds } of answers) {
    isUnavailable(t, result, name)
    t.ok(milliseconds < LIMIT_MS + SLACK_MS, `${name} took ${Math.round(milliseconds)} ms`)
  }
  await proxy.resume()
  t.same((await untilServed(() => clara.list())).json(), [])
  t.equal((await clara.save()).statusCode, 201)
  t.equal(await countRows(clara.sub), 1)
})

t.test(
  'calls get 503 in time while all connections are in use',
  { skip: needsRealServer || needsServerWithin },
  async (t) => {
    const { app, clara } = await start(t, { DATABASE_POOL_SIZE: '3' })
    await app.database.transaction(async () => {}) // loads Prisma, so that the next ones are ahead of the calls
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    const brief = [1, 2, 3].map(() => app.database.transaction(() => sleep(LIMIT_MS / 2)))
    // They wait for the brief ones, so that they still hold the connections at the end of the calls.
    const taken = Promise.allSettled([1, 2, 3].map(() => app.database.transaction(() => finished)))
    // As many as one user has places: others would wait for a place, and then be served.
    const answers = await Promise.all([1, 2].map(() => timed(clara.list())))
    for (const { result, milliseconds } of answers) {
      isUnavailable(t, result, 'list')
      t.ok(milliseconds < LIMIT_MS + SLACK_MS, `took ${Math.round(milliseconds)} ms`)
    }
    finish()
    await Promise.all(brief)
    for (const result of await taken) {
      t.match(result, { status: 'rejected', reason: { code: 'database_unavailable' } })
    }
    t.equal((await clara.list()).statusCode, 200)
  }
)

t.test('a transaction that exceeds the time limit is rolled back', async (t) => {
  const { app, clara } = await start(t)
  const work = app.database.transaction(async (queries) => {
    await queries.$executeRaw`UPDATE users SET name = 'changed' WHERE auth0_id = ${clara.sub}`
    await new Promise((resolve) => setTimeout(resolve, LIMIT_MS + 100))
  })
  await t.rejects(work, { code: 'database_unavailable' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.equal((await clara.sync()).json().name, 'Clara')
  t.strictSame(
    await query(databaseUrl, `SELECT FROM users WHERE auth0_id = '${clara.sub}' AND name = 'changed'`),
    []
  )
})

t.test(
  'PostgreSQL itself ends a transaction whose statement hangs or whose server is gone',
  { skip: needsRealServer },
  async (t) => {
    const { app } = await start(t)
    const work = app.database.transaction(
      (queries) => queries.$queryRaw<unknown[]>`
    SELECT current_setting('statement_timeout') AS statement, current_setting('tcp_keepalives_idle') AS idle`
    )
    t.strictSame(await work, [{ statement: `${LIMIT_MS}ms`, idle: '5' }])
  }
)

t.test('the parameters of a statement do not stay in memory', { skip: needsServerWithin }, async (t) => {
  const { app, clara } = await start(t)
  const score = `<score>${randomUUID()}</score>`
  const pool = new pg.Pool({ connectionString: databaseUrl })
  const adapter = await new PrismaPg(pool, { disposeExternalPool: true }).connect()
  await adapter.queryRaw({
    sql: 'SELECT $1',
    args: [score],
    argTypes: [{ scalarType: 'string', arity: 'scalar' }]
  })
  await adapter.dispose()
  t.match(getLogs(), score, 'Prisma keeps them by default')
  await untilServed(() => clara.sync())
  t.equal(getLogs(), '', 'a query of ours clears them')
  const { id } = (await untilServed(() => clara.save({ xmlContent: score }))).json()
  await clara.get(id)
  t.equal(getLogs(), '')
  await app.database.transaction((queries) =>
    queries.session.updateMany({ where: { id }, data: { xmlContent: score } })
  )
  t.equal(getLogs(), '')
})

t.test('a statement that PostgreSQL refuses is an internal error, not an outage', async (t) => {
  const { app, clara } = await start(t)
  const refused = await app.database.queries.$queryRaw`SELECT nonsense`.then(
    () => undefined,
    (error: unknown) => error
  )
  t.ok(refused instanceof Error && !(refused instanceof ApiError))
  await query(databaseUrl, 'ALTER TABLE sessions RENAME song_name TO lost')
  const answer = await clara.list()
  await query(databaseUrl, 'ALTER TABLE sessions RENAME lost TO song_name')
  t.match(answer, { statusCode: 500 })
  t.equal(answer.json().code, 'internal_error')
  t.notMatch(answer.body, /song_name|SELECT|column/)
})

const CONFIG = {
  url: databaseUrl,
  schema: 'public',
  poolSize: 1,
  timeoutMs: 30_000,
  preparedStatements: 'off'
} as const

t.test(
  'a connection that the server ends during a statement is replaced',
  { skip: needsRealServer },
  async (t) => {
    const database = createDatabase(CONFIG)
    t.teardown(() => database.close())
    const end = defineStatement('end', 'SELECT pg_terminate_backend(pg_backend_pid())')
    await t.rejects(database.run(end, []), { code: 'database_unavailable' })
    t.same(await database.run(defineStatement('one', 'SELECT 1 AS one'), []), [{ one: 1 }])
  }
)

t.test('closing ends the connections that Prisma has not used', async (t) => {
  const database = createDatabase(CONFIG)
  t.same(await database.run(defineStatement('one', 'SELECT 1 AS one'), []), [{ one: 1 }])
  await database.close()
  await t.rejects(database.run(defineStatement('one', 'SELECT 1 AS one'), []), {
    code: 'database_unavailable'
  })
})
