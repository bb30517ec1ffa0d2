import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import t, { type Test } from 'tap'
import { startPostgres, type PostgresOptions } from '../../src/dev/postgres.ts'
import { PrismaClient } from '../../src/server/generated/prisma/client.ts'
import { runTypescript } from '../../scripts/run-typescript.ts'

async function start(t: Test, options?: PostgresOptions) {
  const postgres = await startPostgres(options)
  t.teardown(postgres.close)
  return postgres
}

function connect(t: Test, url: string, max = 20) {
  const pool = new pg.Pool({ connectionString: url, max })
  pool.on('error', () => {}) // some tests cut connections on purpose
  t.teardown(() => pool.end())
  return pool
}

/** Starts PostgreSQL on the directory in another process, which runs until it is killed. */
async function startElsewhere(t: Test, dataDir: string): Promise<{ child: ChildProcess; url: string }> {
  const module = new URL('../../src/dev/postgres.ts', import.meta.url)
  const script = `
    import { startPostgres } from '${module}'
    const { url } = await startPostgres({ dataDir: process.env.DATA_DIR })
    process.stdout.write(url)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, [...runTypescript, '--input-type=module', '--eval', script], {
    env: { ...process.env, DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [url] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, url: url.toString() }
}

// Creating a database takes seconds, so one in memory and one directory serve all the tests.
const { url } = await start(t)
const dataDir = t.testdir()

t.test('under load every connection receives the answers to its own queries', async (t) => {
  const pool = connect(t, url)
  await pool.query('CREATE TABLE notes (id int PRIMARY KEY, body text)')

  const wrong: unknown[] = []
  const expectRow = (rows: object[], expected: object) => {
    if (JSON.stringify(rows) !== JSON.stringify([expected])) wrong.push({ rows, expected })
  }
  const ask = async (n: number) => {
    const { rows } = await pool.query('SELECT $1::int AS n, $2::text AS word', [n, `word ${n}`])
    expectRow(rows, { n, word: `word ${n}` })
  }
  const transact = async (id: number) => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      await client.query('INSERT INTO notes VALUES ($1, $2)', [id, `note ${id}`])
      const { rows } = await client.query(
        'SELECT body, (SELECT count(*)::int FROM notes WHERE id = $1) FROM notes WHERE id = $1',
        [id]
      )
      expectRow(rows, { body: `note ${id}`, count: 1 })
      await client.query(id % 3 === 0 ? 'ROLLBACK' : 'COMMIT')
    } finally {
      client.release()
    }
  }
  const fail = async (n: number) => {
    const error = await pool
      .query('SELECT 1 / ($1::int - $1::int), $2::text', [n, 'x'])
      .catch((error) => error)
    if (error.code !== '22012') wrong.push(error)
  }
  await Promise.all(Array.from({ length: 600 }, (_, n) => [ask, transact, ask, fail][n % 4]?.(n)))

  t.same(wrong, [])
  const { rows } = await pool.query('SELECT count(*)::int FROM notes')
  t.same(rows, [{ count: 100 }])
})

t.test(
  'a client that disconnects in a transaction, even between the messages of a query, blocks no other',
  async (t) => {
    const pool = connect(t, url)
    await pool.query('CREATE TABLE drafts (id int)')

    for (const lastQuery of ['SELECT 1', 'nonsense']) {
      const client = new pg.Client(url)
      client.on('error', () => {})
      await client.connect()
      await client.query('BEGIN')
      await client.query('INSERT INTO drafts VALUES (1)')
      client.connection.parse({ text: lastQuery, name: '', types: [] }, true)
      await new Promise((resolve) => setTimeout(resolve, 100))
      client.connection.stream.destroy()

      const { rows } = await pool.query('SELECT count(*)::int FROM drafts WHERE id = $1', [1])
      t.same(rows, [{ count: 0 }])
    }
  }
)

t.test('a data directory survives a restart', async (t) => {
  const first = await start(t, { dataDir })
  const before = connect(t, first.url, 2)
  await before.query('CREATE TABLE notes AS SELECT 42 AS id')
  await first.close()
  await first.close()

  const second = await start(t, { dataDir })
  const { rows } = await connect(t, second.url).query('SELECT id FROM notes')
  t.same(rows, [{ id: 42 }])
})

t.test('closing does not wait for connected clients', async (t) => {
  const postgres = await start(t, { dataDir })
  const client = await connect(t, postgres.url).connect()
  client.on('error', () => {})
  await client.query('BEGIN')
  const pending = client.query('SELECT $1::int', [1]).catch(() => {})
  await postgres.close()
  await pending
  client.release(true)
  await t.rejects(fetch(postgres.url.replace('postgresql', 'http')), 'the port is closed')
})

t.test('a data directory in use is refused with one clear error', async (t) => {
  const { child } = await startElsewhere(t, dataDir)
  await t.rejects(startPostgres({ dataDir }), { message: /in use by another process/ })
  child.kill('SIGKILL')
})

t.test('kill -9 loses no committed row, and the next start needs no repair', async (t) => {
  const { child, url } = await startElsewhere(t, dataDir)
  const pool = connect(t, url, 4)
  await pool.query('CREATE TABLE entries (id int)')

  let committed = 0
  const write = async (): Promise<void> => {
    await pool.query('INSERT INTO entries VALUES ($1)', [committed])
    if (++committed === 200) child.kill('SIGKILL')
    return write()
  }
  await t.rejects(write())
  await once(child, 'exit')

  const began = performance.now()
  const next = await start(t, { dataDir })
  t.ok(performance.now() - began < 60_000, 'the lock of the dead process does not block the start')
  const { rows } = await connect(t, next.url).query('SELECT count(*)::int FROM entries')
  t.ok(rows[0].count >= committed, `${committed} rows acknowledged, ${rows[0].count} stored`)
})

t.test('a port in use is named in the error', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  await t.rejects(startPostgres({ dataDir, port }), {
    message: new RegExp(`Port ${port} of 127.0.0.1 is taken`)
  })
})

t.test('interactive transactions of Prisma work concurrently', async (t) => {
  const transactionOptions = { maxWait: 60_000, timeout: 60_000 } // for a busy machine
  const prisma = new PrismaClient({
    adapter: new PrismaPg({ connectionString: url }),
    transactionOptions
  })
  t.teardown(() => prisma.$disconnect())
  await prisma.$executeRaw`CREATE TABLE counters (id int PRIMARY KEY, n int)`
  await prisma.$executeRaw`INSERT INTO counters VALUES (1, 0)`

  const increment = () =>
    prisma.$transaction(async (tx) => {
      const [row] = await tx.$queryRaw<{ n: number }[]>`SELECT n FROM counters WHERE id = ${1} FOR UPDATE`
      await tx.$executeRaw`UPDATE counters SET n = ${(row?.n ?? 0) + 1} WHERE id = ${1}`
    })
  const read = (n: number) => prisma.$queryRaw<{ n: number }[]>`SELECT ${n}::int AS n`
  const [answers] = await Promise.all([
    Promise.all(Array.from({ length: 50 }, (_, n) => read(n))),
    Promise.all(Array.from({ length: 30 }, increment))
  ])
  t.same(
    answers.map((rows) => rows[0]?.n),
    Array.from({ length: 50 }, (_, n) => n)
  )
  t.same(await prisma.$queryRaw`SELECT n FROM counters`, [{ n: 30 }])

  await t.rejects(
    prisma.$transaction(async (tx) => {
      await tx.$executeRaw`UPDATE counters SET n = 0`
      throw new Error('changed my mind')
    }),
    { message: 'changed my mind' }
  )
  t.same(await prisma.$queryRaw`SELECT n FROM counters`, [{ n: 30 }])
})
