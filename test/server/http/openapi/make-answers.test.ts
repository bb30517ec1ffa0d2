import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import openapi from '../../../../src/server/http/openapi/plugin.ts'

async function start(t: Test, addRoutes: (app: FastifyInstance) => void = () => {}) {
  const app = fastify()
  await app.register(openapi)
  addRoutes(app)
  t.teardown(() => app.close())
  await app.ready()
  return app
}

t.test('the document and the files of the page are the same each time, whatever the query', async (t) => {
  const app = await start(t)
  const [first] = await Promise.all([app.inject('/docs/json'), app.inject('/docs/json')])
  t.equal(first.json().openapi, '3.1.0')
  for (const url of ['/docs/json', '/docs/json?x=1', '/docs/json?x=2']) {
    const again = await app.inject(url)
    t.equal(again.body, first.body)
    t.match(again.headers['content-type'], 'application/json')
  }
})

t.test('a client that has a file gets 304', async (t) => {
  const app = await start(t)
  const url = '/docs/static/swagger-ui.css'
  const styles = await app.inject(url)
  t.equal(styles.statusCode, 200)
  for (const etag of [styles.headers.etag, String(styles.headers.etag).replace('W/', ''), '*']) {
    const again = await app.inject({ url, headers: { 'if-none-match': etag } })
    t.equal(again.statusCode, 304)
    t.equal(again.body, '')
  }
  t.equal((await app.inject({ url, headers: { 'if-none-match': '"other"' } })).body, styles.body)
})

t.test('the answers are made in another thread, where they delay nobody', async (t) => {
  const app = await start(t)
  let created = 0
  const count = () => created++
  subscribe('fastify.initialization', count)
  t.teardown(() => unsubscribe('fastify.initialization', count))
  t.equal((await app.inject('/docs')).statusCode, 200)
  t.equal(created, 0)
})

t.test('after a failure the next request makes them', async (t) => {
  let failures = 1
  const schema = {
    summary: 'A route',
    toJSON() {
      if (failures-- > 0) throw new Error('out of memory')
      return { summary: this.summary }
    }
  }
  const app = await start(t, (app) => app.get('/a', { schema }, () => ''))
  t.equal((await app.inject('/docs/json')).statusCode, 500)
  t.equal((await app.inject('/docs/json')).json().paths['/a'].get.summary, 'A route')
})
