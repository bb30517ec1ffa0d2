import t from 'tap'
import { build } from '../../helpers/app.ts'

const { app, issuer, storage } = await build(t, {
  env: { STORAGE_TIMEOUT_MS: '1000', DATABASE_TIMEOUT_MS: '30000' }
})

const look = async (url: string) => {
  const response = await app.inject({ method: 'GET', url })
  return { status: response.statusCode, body: response.json<unknown>() }
}

t.test('the health routes need no token', async (t) => {
  t.strictSame(await look('/healthz'), { status: 200, body: { status: 'ok' } })
  t.strictSame(await look('/readyz'), {
    status: 200,
    body: { status: 'ready', checks: { database: 'ok', storage: 'ok', issuer: 'ok' } }
  })
})

t.test('a failed dependency is reported without its address, and the process stays alive', async (t) => {
  await storage.stop()
  const { status, body } = await look('/readyz')
  t.equal(status, 503)
  t.match(body, {
    status: 'degraded',
    checks: { database: 'ok', storage: /^Recording storage is unavailable/, issuer: 'ok' }
  })
  t.notMatch(JSON.stringify(body), /127\.0\.0\.1|ECONN|sb_secret/)
  t.equal((await look('/healthz')).status, 200)

  await storage.start()
  t.equal((await look('/readyz')).status, 200, 'ready again without a restart')
})

t.test('an issuer whose keys were never read is a failed dependency', async (t) => {
  const { app, issuer } = await build(t)
  await issuer.stop()
  const response = await app.inject({ method: 'GET', url: '/readyz' })
  t.equal(response.statusCode, 503)
  t.match(response.json(), {
    status: 'degraded',
    checks: { database: 'ok', storage: 'ok', issuer: /issuer/ }
  })
})

t.test('the server stays ready with known keys when the issuer is down', async (t) => {
  await issuer.stop()
  t.equal((await look('/readyz')).status, 200)
  await issuer.start()
})
