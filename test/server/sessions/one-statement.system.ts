import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import type { Statement } from '../../../src/server/database/statement-runner.ts'
import { newestStatement, olderStatement } from '../../../src/server/sessions/history-repository.ts'
import { saveStatement } from '../../../src/server/sessions/save-repository.ts'
import { sessionJsonStatement } from '../../../src/server/sessions/session-json-repository.ts'
import { daysStatement } from '../../../src/server/stats/days-repository.ts'
import { statsStatement } from '../../../src/server/stats/repository.ts'
import { build } from '../../helpers/app.ts'
import { query } from '../../helpers/scratch-database.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'

const { as, database } = await build(t, { now: () => new Date('2026-11-22T18:03:00Z') })
const clara = as('auth0|clara')
await clara.sync()
const { id } = (await clara.save()).json<{ id: string }>()
await clara.save({ date: '2026-11-21T10:00:00Z' })

t.test(
  'GET reads the rest of a large score in pieces, HEAD reads none of it',
  { skip: needsServerWithin },
  async (t) => {
    const { id } = (await clara.save({ xmlContent: '練'.repeat(3_000_000) })).json<{ id: string }>()
    const sent = t.capture(pg.Client.prototype, 'query', pg.Client.prototype.query)
    const pieces = () => sent().filter(({ args }) => JSON.stringify(args[0]).includes('substr')).length
    t.equal((await clara.call('HEAD', `/api/sessions/${id}`)).statusCode, 200)
    await clara.list() // by now any further reads would have been sent
    t.equal(pieces(), 0)
    t.equal((await clara.get(id)).json<{ xmlContent: string }>().xmlContent.length, 3_000_000)
    t.equal(pieces(), Math.ceil(9_000_000 / (240 * 1024)))
  }
)

/** A hundred users among thousands, with 500 sessions each. Their rows are mixed, as in daily use. */
async function fill() {
  await query(
    database.url,
    "INSERT INTO users (auth0_id, email) SELECT 'auth0|' || n, 'x@example.com' FROM generate_series(1, 5000) AS n",
    `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date)
      SELECT id, 'Ode to Joy', 'Piano', 60, timestamptz '2025-01-01' + n * interval '1 day' + random() * interval '1 hour'
      FROM generate_series(1, 500) AS n CROSS JOIN (SELECT id FROM users WHERE auth0_id LIKE 'auth0|1__') AS practising
      ORDER BY n, random()`,
    'ANALYZE users',
    'ANALYZE sessions'
  )
}

async function explain({ text }: Statement, values: unknown[]): Promise<string> {
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    await client.query('SET random_page_cost = 1.1') // the value for an SSD, which Supabase's databases use
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  } finally {
    await client.end()
  }
}

t.test('query plans on many rows', async (t) => {
  await fill()
  const sub = 'auth0|150'
  const position = [String(Date.UTC(2026, 2, 1) * 1000), id]

  for (const [name, statement, values] of [
    ['page', newestStatement, [sub, 50]],
    ['next page', olderStatement, [sub, 50, ...position]],
    ['whole history', newestStatement, [sub, 1000]],
    ['rest', olderStatement, [sub, 1000, ...position]]
  ] as const) {
    t.test(`the list (${name}) takes its order from the index, without a sort`, async (t) => {
      const plan = await explain(statement, [...values])
      t.match(plan, /Index (Only )?Scan using sessions_user_id_date_id_idx on sessions/)
      t.notMatch(plan, /Sort|Seq Scan/)
      t.match(plan, 'Index Scan using users_auth0_id_key on users')
      if (statement === olderStatement) {
        t.match(
          plan,
          /Index Cond: \(\(user_id = .*\) AND \(date <= /,
          'what lies before the cursor is not read'
        )
      }
    })
  }

  t.test('the stats read the user and the week by their indexes', async (t) => {
    const plan = await explain(statsStatement, [sub, null, 'UTC', new Date('2026-05-01T12:00:00Z')])
    t.match(plan, 'Index Scan using users_auth0_id_key on users')
    t.match(
      plan,
      /sessions_user_id_date_id_idx on sessions .*\n +Index Cond: \(\(user_id = .*\) AND \(date >= .*\) AND \(date < /
    )
    t.notMatch(plan, /Sort|Seq Scan/)
  })

  t.test('the days with practice are read by the indexes', async (t) => {
    const plan = await explain(daysStatement, [sub, null, 'UTC', '2026-03-01', '2026-05-31'])
    t.match(plan, 'Index Scan using users_auth0_id_key on users')
    t.match(
      plan,
      /sessions_user_id_date_id_idx on sessions.*\n +Index Cond: \(\(user_id = .*\) AND \(date >= .*\) AND \(date < /
    )
    t.notMatch(plan, /Seq Scan/)
  })

  t.test('a save finds the user, and sessions that have become due, by their indexes', async (t) => {
    const now = new Date('2026-05-01T12:00:00Z')
    const row = [randomUUID(), now, 'x', 'y', 60, ...Array<null>(10).fill(null), '{1,1,1}']
    const plan = await explain(saveStatement, [sub, now, 'UTC', '5000', ...row])
    t.match(plan, 'Index Scan using users_auth0_id_key on users')
    t.match(plan, /sessions_user_id_date_id_idx on sessions/)
    t.notMatch(plan, /Sort|Seq Scan/)
  })

  t.test('one session is found by its id', async (t) => {
    const plan = await explain(sessionJsonStatement, [id, sub])
    t.match(plan, 'Index Scan using sessions_pkey on sessions')
    t.notMatch(plan, /Sort|Seq Scan/)
  })
})
