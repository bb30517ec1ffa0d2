import t from 'tap'
import { build, startServices } from '../../../helpers/app.ts'
import { fixture } from '../../../helpers/recordings.ts'

const services = await startServices(t)

/** The milliseconds of each phase. */
function timingOf(header: unknown) {
  const phases = /^auth;dur=([\d.]+), database;dur=([\d.]+), storage;dur=([\d.]+), total;dur=([\d.]+)$/
  const [, ...numbers] = phases.exec(String(header)) ?? []
  const [auth = NaN, database = NaN, storage = NaN, total = NaN] = numbers.map(Number)
  return { auth, database, storage, total }
}

t.test('an answer tells the time of authentication, database and storage', async (t) => {
  const { as } = await build(t, { services, env: { SERVER_TIMING: 'on' } })
  const clara = as('auth0|clara')
  const synced = timingOf((await clara.sync()).headers['server-timing'])
  t.ok(synced.database > 0)
  t.equal(synced.storage, 0)
  t.ok(synced.auth > 0 && synced.total >= synced.auth)

  const audioBase64 = (await fixture('recording.webm')).toString('base64')
  const saved = await clara.save({ audioBase64 })
  t.equal(saved.statusCode, 201)
  t.ok(timingOf(saved.headers['server-timing']).storage > 0)

  const [one, other] = await Promise.all([clara.list(), clara.get('no-uuid')])
  t.equal(timingOf(other.headers['server-timing']).storage, 0, 'each request has its own')
  t.ok(timingOf(one.headers['server-timing']).database > 0)
})

t.test('without SERVER_TIMING it tells nothing', async (t) => {
  const { app } = await build(t, { services })
  t.notOk('server-timing' in (await app.inject('/healthz')).headers)
})
