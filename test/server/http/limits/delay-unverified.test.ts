import fastify, { type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import delayUnverified from '../../../../src/server/http/limits/delay-unverified.ts'

/** A server that knows the token "good", and holds back until `goOn`. */
async function start(t: Test) {
  const held: Array<() => void> = []
  const auth = async (app: ReturnType<typeof fastify>) => {
    app.decorate('findVerified', ({ headers }: FastifyRequest) =>
      headers.authorization === 'Bearer good' ? 'auth0|clara' : undefined
    )
  }
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(fp(auth, { name: 'auth' }))
  await app.register(delayUnverified, { holdBack: (goOn: () => void) => held.push(goOn) })
  app.get('/healthz', async () => 'healthy')
  await app.ready()
  return { app, held, goOn: () => held.splice(0).forEach((next) => next()) }
}

t.test('the addresses of one /64 count as one', async (t) => {
  const { app, held, goOn } = await start(t)
  const flood = Array.from({ length: 200 }, (_, host) =>
    app.inject({ url: '/healthz', remoteAddress: `2001:db8::${host.toString(16)}` })
  )
  await Promise.all(flood.slice(0, 20))
  t.ok(held.length > 100, `${held.length} wait`)
  goOn()
  await Promise.all(flood)
})

for (const [name, path, headers, status] of [
  ['the health check', '/healthz', {}, 200],
  ['an unknown path', '/nothing', {}, 404],
  ['a bad token', '/healthz', { authorization: 'Bearer bad' }, 200]
] as const) {
  t.test(`${name}, many times: delays what exceeds twenty at once, and refuses none`, async (t) => {
    const { app, held, goOn } = await start(t)
    const ask = (remoteAddress: string, token: Record<string, string> = headers) =>
      app.inject({ url: path, headers: token, remoteAddress }).then(({ statusCode }) => statusCode)
    const flood = Array.from({ length: 200 }, () => ask('192.0.2.1'))
    await Promise.all(flood.slice(0, 20))
    const delayed = held.length
    t.ok(delayed > 100 && delayed <= 180, `${delayed} wait`)
    t.equal(await ask('192.0.2.2'), status, 'another address does not wait')
    t.equal(
      await ask('192.0.2.1', { authorization: 'Bearer good' }),
      status,
      'nor does a user at the same one'
    )
    goOn()
    t.strictSame([...new Set(await Promise.all(flood))], [status])
  })
}
