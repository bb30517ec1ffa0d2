import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import openapi from '../../../../src/server/http/openapi/plugin.ts'

/** `made`: what the page was asked for. */
async function start(t: Test) {
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
  return { app, made }
}

t.test('the document and each file are made once, whatever the query', async (t) => {
  const { app, made } = await start(t)
  const [first] = await Promise.all([app.inject('/docs/json'), app.inject('/docs/json')])
  t.equal(first.json().openapi, '3.1.0')
  for (const url of ['/docs/json', '/docs/json?x=1', '/docs/json?x=2']) {
    const again = await app.inject(url)
    t.equal(again.body, first.body)
    t.equal(again.headers['content-type'], first.headers['content-type'])
  }
  const file = '/docs/static/swagger-ui.css'
  const [styles] = await Promise.all([app.inject(file), app.inject(file)])
  t.equal(styles.statusCode, 200)
  for (const etag of [styles.headers.etag, String(styles.headers.etag).replace('W/', ''), '*']) {
    const again = await app.inject({ url: file, headers: { 'if-none-match': etag } })
    t.equal(again.statusCode, 304, 'a client that has it')
    t.equal(again.body, '')
  }
  t.equal((await app.inject({ url: file, headers: { 'if-none-match': '"other"' } })).body, styles.body)
  t.strictSame(made, ['/docs/json', file])
})

t.test('what the page does not have is not kept', async (t) => {
  const { app, made } = await start(t)
  const file = '/docs/static/nothing.css'
  for (let i = 0; i < 2; i++) t.equal((await app.inject(file)).statusCode, 404)
  t.strictSame(made, [file, file])
})
