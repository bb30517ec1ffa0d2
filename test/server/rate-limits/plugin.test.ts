import { randomUUID } from 'node:crypto'
import t from 'tap'
import { build, startServices } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'

const services = await startServices(t)
const { issuer } = services

t.test('limits the requests of one user and not those of another', async (t) => {
  const { as } = await build(t, { services, env: { RATE_LIMIT: '3' } })
  const clara = as('auth0|rate-clara')
  for (const remaining of [2, 1, 0]) {
    const { statusCode, headers } = await clara.list()
    t.equal(statusCode, 200)
    t.equal(headers['ratelimit-policy'], '"user";q=3;w=10')
    t.match(headers.ratelimit, new RegExp(`^"user";r=${remaining};t=\\d+$`))
  }
  const refused = await clara.list()
  isProblem(t, refused, 'too_many_requests')
  t.match(refused.headers['retry-after'], /^([1-9]|10)$/)
  t.match(refused.headers.ratelimit, /^"user";r=0;t=/)
  t.equal((await as('auth0|rate-robert').list()).statusCode, 200)
})

t.test('limits the refused tokens of one address, but no token that was good before', async (t) => {
  const { app } = await build(t, {
    services,
    env: { RATE_LIMIT: '300', TRUST_PROXY: 'loopback' }
  })
  const call = (token: string, address: string) =>
    app.inject({
      url: '/api/stats',
      headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': address }
    })
  const known = issuer.token('auth0|rate-known')
  await call(known, '2001:db8::1')

  const bad = `${known}x`
  for (let count = 0; count < 100; count++) await call(bad, `2001:db8::${count}`)
  isProblem(t, await call(bad, '2001:db8::ffff'), 'too_many_requests')
  isProblem(t, await call(issuer.token('auth0|rate-new'), '2001:db8::1'), 'too_many_requests')
  t.equal((await call(known, '2001:db8::1')).statusCode, 200)
  isProblem(t, await call(bad, '192.0.2.1'), 'invalid_token')
})

t.test('counts in memory while Redis is away', async (t) => {
  const { as } = await build(t, { services, env: { RATE_LIMIT: '1', REDIS_URL: 'redis://127.0.0.1:1' } })
  const clara = as('auth0|rate-clara')
  t.equal((await clara.list()).statusCode, 200)
  isProblem(t, await clara.list(), 'too_many_requests')
})

t.test('limits the uploads that a user begins, also those that were replaced', async (t) => {
  const { as } = await build(t, {
    services,
    env: { RATE_LIMIT: '300', QUOTA_RECORDINGS_BYTES: '100000000', MAX_RECORDING_BYTES: '990000' }
  })
  const clara = as(`auth0|${randomUUID()}`)
  await clara.sync()
  const { id } = (await clara.save()).json<{ id: string }>()
  const begin = (more = {}) =>
    clara.call('POST', `/api/sessions/${id}/recording`, {
      contentType: 'audio/webm',
      bytes: 1,
      ...more
    })
  for (let begun = 1; begun <= 100; begun++) t.equal((await begin()).statusCode, 201)
  const last = await begin()
  t.equal(last.statusCode, 201, 'the quota holds 101 recordings of the largest size')
  const refused = await begin()
  isProblem(t, refused, 'too_many_requests')
  t.ok(Number(refused.headers['retry-after']) > 7000)
  const { uploadId } = last.json<{ uploadId: string }>()
  t.equal((await begin({ uploadId })).statusCode, 201, 'a new token for the open upload')
  const robert = as(`auth0|${randomUUID()}`)
  await robert.sync()
  t.equal((await robert.save()).statusCode, 201)
})
