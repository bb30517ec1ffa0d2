import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { build, startServices } from '../../../helpers/app.ts'
import { isProblem } from '../../../helpers/problem.ts'

const services = await startServices(t)
const ORIGIN = 'https://practice.example'

/** A server in an overload: all places are taken, and calls of many users fill the queue. */
async function overloaded(t: Test) {
  const { app, as } = await build(t, { services, env: { CORS_ORIGINS: ORIGIN } })
  const clara = as(`auth0|${randomUUID()}`)
  await clara.sync()
  const headers = clara.headers()
  t.equal((await app.inject({ url: '/api/stats', headers })).statusCode, 200, 'the token is verified')
  const { database } = app.places
  const releases = Array.from({ length: database.usage().places }, () => database.borrow('others', 1))
  const call = async (user: number) => (await database.acquire(`user ${user}`))()
  const calls = Promise.allSettled(Array.from({ length: 128 }, (_, user) => call(user)))
  const end = async () => {
    for (const release of releases) release()
    await calls // some were refused
  }
  return { app, clara, headers, database, end }
}

t.test('refuses what the queue cannot hold before any other work, with a problem', async (t) => {
  const { app, headers, end } = await overloaded(t)
  const [read, saved] = await Promise.all([
    app.inject({ url: '/api/sessions', headers: { ...headers, origin: ORIGIN } }),
    app.inject({ method: 'POST', url: '/api/sessions', headers, payload: { songName: 'x' } })
  ])
  for (const answer of [read, saved]) {
    t.equal(answer.statusCode, 503)
    t.match(answer.headers, {
      'content-type': /^application\/problem\+json/,
      'retry-after': '5',
      'cache-control': 'no-store'
    })
    t.equal(answer.json<{ code: string }>().code, 'server_busy')
    t.equal(answer.headers['content-security-policy'], undefined, 'the later hooks have not run')
  }
  t.match(read.headers, {
    'access-control-allow-origin': ORIGIN,
    'access-control-expose-headers': /Retry-After/,
    vary: 'Origin'
  })
  t.equal(saved.headers['access-control-allow-origin'], undefined)
  await end()
})

t.test('leaves large bodies and unknown tokens to admission, and routes without a token alone', async (t) => {
  const { app, clara, end } = await overloaded(t)
  const xmlContent = 'x'.repeat(20_000)
  isProblem(t, await clara.save({ xmlContent }), 'server_busy')
  isProblem(
    t,
    await app.inject({ url: '/api/stats', headers: { authorization: 'Bearer x' } }),
    'invalid_token'
  )
  t.equal((await app.inject({ url: '/healthz', headers: clara.headers() })).statusCode, 200)
  await end()
})

t.test('closes the connections of a draining server', async (t) => {
  const { app, headers, end } = await overloaded(t)
  t.equal((await app.inject({ url: '/api/sessions', headers })).headers.connection, 'keep-alive')
  await app.drain(0)
  t.equal((await app.inject({ url: '/api/sessions', headers })).headers.connection, 'close')
  await end()
})

t.test('serves everybody again at the end of the overload', async (t) => {
  const { clara, database, end } = await overloaded(t)
  t.equal((await clara.list()).statusCode, 503)
  await end()
  t.equal((await clara.list()).statusCode, 200)
  t.equal(database.usage().held, 0)
})
