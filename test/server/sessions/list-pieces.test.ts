import pg from 'pg'
import t from 'tap'
import type { User } from '../../../src/contract/users.ts'
import { build, startServices } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { query } from '../../helpers/scratch-database.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'

const ROWS = 2500

const services = await startServices(t)
const proxy = await startFaultyProxy(t, services.database.url)
const { app, as } = await build(t, {
  services,
  env: { DATABASE_URL: proxy.url, PREPARED_STATEMENTS: 'off' }
})
const clara = as('auth0|clara')
const { id: userId } = (await clara.sync()).json<User>()
await query(
  services.database.url,
  `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date)
   SELECT '${userId}', 'Ode to Joy', 'Piano', 60, timestamptz '2025-01-01' + n * interval '1 hour'
   FROM generate_series(1, ${ROWS}) AS n`
)

t.test('a long history arrives whole and in order, in one array', async (t) => {
  const response = await clara.list()
  t.match(response.headers['content-type'], /^application\/json/)
  const dates = response.json<Array<{ date: string }>>().map(({ date }) => date)
  t.equal(dates.length, ROWS)
  t.same(dates, [...dates].sort().reverse())
})

t.test('an answer to HEAD reads the first piece only', { skip: needsServerWithin }, async (t) => {
  const sent = t.capture(pg.Client.prototype, 'query', pg.Client.prototype.query)
  const response = await clara.call('HEAD', '/api/sessions')
  t.equal(response.statusCode, 200)
  t.equal(response.body, '')
  t.equal(sent().length, 1)
})

t.test(
  'each piece fits into one read of the socket, whatever the names',
  { skip: needsServerWithin },
  async (t) => {
    const robert = as('auth0|robert')
    const { id } = (await robert.sync()).json<User>()
    await query(
      services.database.url,
      `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date)
       SELECT '${id}', CASE WHEN n > 400 THEN 'Ode to Joy' ELSE repeat('Étude ', 50) END, 'Piano', 60,
         timestamptz '2025-01-01' + n * interval '1 hour'
       FROM generate_series(1, 1000) AS n`
    )
    const read = t.capture(pg.Client.prototype, 'query', pg.Client.prototype.query)
    const names = (await robert.list()).json<Array<{ songName: string }>>().map(({ songName }) => songName)
    t.equal(names.length, 1000)
    const limits = read()
      .map(({ args }) => (args as unknown as [pg.QueryConfig])[0])
      .filter(({ text }) => text?.includes('ORDER BY date DESC'))
      .map(({ values }) => Number(values?.[1]))
    t.same(limits.slice(0, 2), [250, 250], 'ordinary names')
    t.ok(limits.at(-1)! > 80 && limits.at(-1)! < 120, `long names: ${limits}`)
  }
)

t.test('a history that cannot be read to its end breaks off', async (t) => {
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const broken = proxy.breakOn("timestamptz 'epoch'", 'cut') // the second piece
  const response = await fetch(`${url}/api/sessions`, {
    headers: {
      authorization: `Bearer ${services.issuer.token(clara.sub)}`,
      'accept-encoding': 'identity' // compression would hold the first piece back
    }
  })
  t.equal(response.status, 200, 'the first piece has been sent')
  await t.rejects(response.text(), 'no shorter array looks complete')
  await broken
})
