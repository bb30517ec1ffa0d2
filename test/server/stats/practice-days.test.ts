import t from 'tap'
import { build, startServices } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'

const services = await startServices(t)
const { app, as, issuer } = await build(t, { services, now: () => new Date('2026-11-18T12:00:00Z') })

const days = (sub: string, query: string) => as(sub).call('GET', `/api/stats/days?${query}`)

t.test('the days with practice of a range, by local days, future sessions included', async (t) => {
  const clara = as('auth0|clara')
  await clara.sync({ timeZone: 'Asia/Tokyo' })
  for (const [date, duration] of [
    ['2026-11-14T14:59:59Z', 600], // the 14th in Tokyo
    ['2026-11-14T15:00:00Z', 89], // the 15th
    ['2026-11-15T14:59:59Z', 1],
    ['2026-11-19T20:00:00Z', 60], // the 20th, in the future
    ['2026-11-20T15:00:00Z', 60] // the 21st
  ] as const) {
    await clara.save({ date, duration })
  }
  const answer = await days('auth0|clara', 'from=2026-11-15&to=2026-11-20')
  t.strictSame(answer.json(), {
    days: [
      { date: '2026-11-15', minutes: 2, sessions: 2 },
      { date: '2026-11-20', minutes: 1, sessions: 1 }
    ]
  })
  t.match(answer.headers, { 'cache-control': 'private, no-cache', etag: /./ })
  const again = await app.inject({
    url: '/api/stats/days?from=2026-11-15&to=2026-11-20',
    headers: { authorization: `Bearer ${issuer.token('auth0|clara')}`, 'if-none-match': answer.headers.etag }
  })
  t.equal(again.statusCode, 304)
  t.strictSame((await days('auth0|clara', 'from=2026-11-14&to=2026-11-14&tz=UTC')).json(), {
    days: [{ date: '2026-11-14', minutes: 11, sessions: 2 }]
  })
  t.strictSame((await days('auth0|robert', 'from=2026-11-15&to=2026-11-20')).json(), { days: [] })
})

t.test('a user without a zone gets the days of DEFAULT_TIME_ZONE', async (t) => {
  const app = await build(t, { services, env: { DEFAULT_TIME_ZONE: 'Asia/Tokyo' } })
  const clara = app.as('auth0|default')
  await clara.sync()
  await clara.save({ date: '2026-11-14T15:00:00Z', duration: 60 })
  for (const [caller, date] of [
    [clara, '2026-11-15'],
    [as('auth0|default'), '2026-11-14']
  ] as const) {
    const answer = await caller.call('GET', '/api/stats/days?from=2026-11-01&to=2026-11-30')
    t.match(answer.json(), { days: [{ date }] })
  }
})

t.test('a wrong range or zone is refused with the name of the parameter', async (t) => {
  for (const [query, parameter] of [
    ['to=2026-11-20', 'from'],
    ['from=2026-11-20', 'to'],
    ['from=2026-02-30&to=2026-03-01', 'from'],
    ['from=2026-11-20&to=2026-11-19', 'to'],
    ['from=2020-01-01&to=2023-01-06', 'to'],
    ['from=0000-01-01&to=0000-01-02', 'from'],
    ['from=2026-11-20&from=2026-11-20&to=2026-11-20', 'from'],
    ['from=2026-11-20T00:00:00Z&to=2026-11-21', 'from'],
    ['from=2026-11-20&to=2026-11-21&tz=Mars', 'tz']
  ] as const) {
    isProblem(t, await days('auth0|clara', query), 'invalid_input', parameter)
  }
  for (const query of [
    'from=2020-01-01&to=2023-01-04',
    'from=0001-01-01&to=0001-01-02',
    'from=9999-12-30&to=9999-12-31'
  ]) {
    t.equal((await days('auth0|clara', query)).statusCode, 200, query)
  }
})
