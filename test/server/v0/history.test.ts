import pg from 'pg'
import t from 'tap'
import type { User } from '../../../src/contract/users.ts'
import { newestStatement, olderStatement } from '../../../src/server/v0/v0-history-repository.ts'
import { build, startServices } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { needsRealServer, query } from '../../helpers/scratch-database.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'

const services = await startServices(t)
const { database, issuer } = services
const proxy = await startFaultyProxy(t, database.url)
const { app, as } = await build(t, {
  services,
  env: { DATABASE_URL: proxy.url, PREPARED_STATEMENTS: 'off' }
})
const url = await app.listen({ host: '127.0.0.1', port: 0 })

type Row = { id: string; date: string; xml_content: string | null; analysis_feedback: string | null }

async function newcomer(name: string) {
  const who = as(`auth0|${name}`)
  const { id: userId } = (await who.sync()).json<User>()
  const add = (count: number, xml: string) =>
    query(
      database.url,
      `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date, xml_content, analysis_feedback)
       SELECT '${userId}', 'Ode ' || n, 'Piano', n, timestamptz '2025-01-01' + n / 2 * interval '1 hour', ${xml},
         'Mind bar ' || n
       FROM generate_series(1, ${count}) AS n`
    )
  const list = () => who.call('GET', '/v0/api/sessions')
  return { who, add, list }
}

t.test('a history of more rows than a piece arrives whole and in order', async (t) => {
  const { list, add } = await newcomer('many')
  t.equal((await list()).body, '[]')
  await add(250, 'NULL')
  t.equal((await list()).json<Row[]>().length, 250)
  await add(351, 'NULL')
  const rows = (await list()).json<Row[]>()
  t.equal(rows.length, 601)
  t.equal(new Set(rows.map(({ id }) => id)).size, 601)
  const positions = rows.map(({ id, date }) => [-Date.parse(date), id] as const)
  t.strictSame(
    positions,
    positions.toSorted(([a, idA], [b, idB]) => a - b || (idA < idB ? -1 : 1))
  )
})

t.test(
  'a piece is bounded in bytes, and large scores are read text by text',
  { skip: needsServerWithin },
  async (t) => {
    const { list, add } = await newcomer('scores')
    await add(40, "repeat('<note/>', 9000)") // 63 kB each: eight and a bit make a piece
    const sent = t.capture(pg.Client.prototype, 'query', pg.Client.prototype.query)
    t.equal((await list()).json<Row[]>().length, 40)
    const pieces = sent().length
    t.ok(pieces >= 4 && pieces <= 6, `${pieces} statements`)
  }
)

t.test('large texts come back unchanged, wherever their characters and escape sequences are', async (t) => {
  const { who, list } = await newcomer('large')
  const text = (length: number, start: string) => start + '𝄞\n"\\\u0001'.repeat(length / 6)
  for (const start of ['', 'x']) {
    const sent = { xmlContent: text(900_000, start), analysis: { feedback: text(300_000, start) } }
    const { id } = (await who.save(sent)).json<{ id: string }>()
    const found = (await who.call('GET', `/v0/api/sessions/${id}`)).json<Row>()
    t.equal(found.xml_content === sent.xmlContent, true)
    t.equal(found.analysis_feedback === sent.analysis.feedback, true)
    t.equal((found as Row & { analysis_summary: string }).analysis_summary === sent.analysis.feedback, true)
    t.strictSame(
      (await list()).json<Row[]>().find((row) => row.id === id),
      found
    )
  }
})

t.test('an answer to HEAD has no body', async (t) => {
  const { who, add } = await newcomer('head')
  await add(3, 'NULL')
  const { statusCode, body } = await who.call('HEAD', '/v0/api/sessions')
  t.strictSame({ statusCode, body }, { statusCode: 200, body: '' })
})

t.test('a history that cannot be read to its end breaks off', async (t) => {
  const { who, add } = await newcomer('broken')
  await add(300, 'NULL')
  const broken = proxy.breakOn("timestamptz 'epoch'", 'cut') // the second piece
  const response = await fetch(`${url}/v0/api/sessions`, {
    headers: { authorization: `Bearer ${issuer.token(who.sub)}` }
  })
  t.equal(response.status, 200, 'the first piece has been sent')
  await t.rejects(response.text(), 'no shorter array looks complete')
  await broken
})

t.test('a large score that changes while it is sent breaks off', { skip: needsRealServer }, async (t) => {
  const { who } = await newcomer('changing')
  const { id } = (await who.save({ xmlContent: 'x'.repeat(9_000_000) })).json<{ id: string }>()
  const response = await fetch(`${url}/v0/api/sessions`, {
    headers: { authorization: `Bearer ${issuer.token(who.sub)}` }
  })
  const reader = response.body!.getReader()
  await reader.read()
  await query(database.url, `UPDATE sessions SET instrument = 'Organ' WHERE id = '${id}'`)
  await t.rejects(async () => {
    while (!(await reader.read()).done);
  })
})

t.test('the history is read through its index, without sorting', { skip: needsRealServer }, async (t) => {
  const { add } = await newcomer('plan')
  await add(5000, 'NULL')
  await query(database.url, 'ANALYZE')
  const values = ['auth0|plan', 1_744_000_000_000_000, '00000000-0000-0000-0000-000000000000']
  for (const statement of [newestStatement, olderStatement]) {
    const used = statement === newestStatement ? values.slice(0, 1) : values
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const { rows } = await client.query(`EXPLAIN ${statement.text}`, used)
    await client.end()
    const plan = rows.map((line) => line['QUERY PLAN']).join('\n')
    t.match(plan, /Index Scan using sessions_user_id_date_id_idx/)
    t.notMatch(plan, /Sort|Seq Scan on sessions/)
  }
})
