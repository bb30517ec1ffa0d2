import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import openapi from '../../../../src/server/http/openapi/plugin.ts'

t.test('a document is made once, whatever the query, and a file each time', async (t) => {
  const app = fastify()
  await app.register(openapi)
  await app.ready()
  const made: string[] = []
  const watch = (message: unknown) =>
    (message as { fastify: FastifyInstance }).fastify.addHook('onRequest', async ({ url }) => {
      made.push(url)
    })
  subscribe('fastify.initialization', watch)
  t.teardown(() => unsubscribe('fastify.initialization', watch))

  const first = await app.inject('/docs/json')
  t.equal(first.json().openapi, '3.1.0')
  for (const url of ['/docs/json', '/docs/json?x=1', '/docs/json?x=2']) {
    const again = await app.inject(url)
    t.equal(again.body, first.body)
    t.equal(again.headers['content-type'], first.headers['content-type'])
  }
  for (let i = 0; i < 2; i++) t.equal((await app.inject('/docs/static/swagger-ui.css')).statusCode, 200)
  t.strictSame(made, ['/docs/json', '/docs/static/swagger-ui.css', '/docs/static/swagger-ui.css'])
})
