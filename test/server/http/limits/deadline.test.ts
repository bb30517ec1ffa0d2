import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import fastify, { type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { sleep } from '../../../../src/contract/retry.ts'
import deadline, { deadlinesOf } from '../../../../src/server/http/limits/deadline.ts'
import problemDetails from '../../../../src/server/http/problems/problem-details.ts'
import requestBodies from '../../../../src/server/http/bodies/request-bodies.ts'
import { isProblem } from '../../../helpers/problem.ts'

const SHORT = 150
const LONG = 60_000
const LARGE = 2 * 1024 * 1024

async function start(t: Test, deadlines: Partial<Parameters<typeof deadline>[1]['deadlines']> = {}) {
  const app = fastify()
  const reasons: unknown[] = []
  const work = async ({ deadline }: FastifyRequest) => {
    deadline.addEventListener('abort', () => reasons.push(deadline.reason.code))
    await sleep(3 * SHORT)
    return 'done'
  }
  await app.register(problemDetails)
  await app.register(deadline, { deadlines: { usual: SHORT, storage: LONG, largeBody: LONG, ...deadlines } })
  app.get('/', work)
  app.post('/', work)
  app.get('/storage', { config: { waitsForStorage: true } }, work)
  app.delete('/storage', { config: { waitsForStorage: true } }, work)
  app.patch('/', { bodyLimit: LARGE }, work)
  app.get('/stream', async () => Readable.from(slowly()))
  t.teardown(() => app.close())
  return { app, reasons }
}

async function* slowly() {
  yield 'begun, '
  await sleep(2 * SHORT)
  yield 'ended'
}

t.test('a read that takes too long is answered, and its signal aborts', async (t) => {
  const { app, reasons } = await start(t)
  const begun = performance.now()
  const response = await app.inject('/')
  isProblem(t, response, 'server_busy')
  t.equal(response.headers['retry-after'], '5')
  t.ok(performance.now() - begun < 3 * SHORT)
  t.strictSame(reasons, ['server_busy'])
  await sleep(3 * SHORT) // the late result of the handler is dropped
  isProblem(t, await app.inject('/'), 'server_busy')
})

t.test('the deadline aborts the signal of a running write but sends no answer', async (t) => {
  const { app, reasons } = await start(t)
  t.equal((await app.inject({ method: 'POST', url: '/' })).body, 'done')
  t.strictSame(reasons, ['server_busy'])
})

t.test('routes that wait for the storage, and those with large bodies, have more time', async (t) => {
  const { app, reasons } = await start(t)
  t.equal((await app.inject('/storage')).body, 'done')
  t.equal((await app.inject({ method: 'PATCH', url: '/' })).body, 'done')
  t.strictSame(reasons, [])
})

t.test('an answer that has begun may take its time', async (t) => {
  const { app } = await start(t)
  t.equal((await app.inject('/stream')).body, 'begun, ended')
})

t.test(
  'a body that is still arriving gets 408, also of a write or where the work may take longer',
  async (t) => {
    const { app, reasons } = await start(t)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const headers = { 'content-type': 'application/json', 'content-length': 100 }
    for (const [method, path] of [
      ['POST', '/'],
      ['DELETE', '/storage']
    ]) {
      const sent = request({ port, host: '127.0.0.1', method, path, headers })
      sent.on('error', () => {})
      sent.write('{')
      const [response] = await once(sent, 'response')
      t.equal(response.statusCode, 408)
      t.match(await text(response), '"upload_stalled"')
      t.equal(response.headers.connection, 'close', 'its connection is of no use any more')
      sent.destroy()
    }
    t.strictSame(reasons, [], 'the handler has not begun')
  }
)

t.test('a body that the server does not read yet is not late', async (t) => {
  const { app } = await start(t)
  app.addHook('preParsing', () => new Promise<void>(() => {})) // as one that waits for memory
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const headers = { 'content-type': 'application/json', 'content-length': 100 }
  const sent = request({ port, host: '127.0.0.1', method: 'POST', headers })
  t.teardown(() => sent.destroy())
  sent.on('error', () => {})
  sent.write('{')
  const [response] = await once(sent, 'response')
  t.equal(response.statusCode, 503)
  t.match(await text(response), '"server_busy"')
})

t.test('a refusal that waits for the rest of its body outlives the deadline', async (t) => {
  const registerAlone = async () => {
    await fastify().register(requestBodies)
  }
  await t.rejects(registerAlone, /dependency 'deadline'/, 'the hooks of the deadline must run first')
  const { app } = await start(t)
  await app.register(requestBodies)
  app.put('/', { bodyLimit: 10 }, async () => 'done')
  const errors: unknown[] = []
  app.addHook('onError', async (_request, _reply, error) => {
    errors.push(error.code)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const headers = { connection: 'close', 'content-type': 'application/json', 'content-length': 100 }
  const sent = request({ port, host: '127.0.0.1', method: 'PUT', headers })
  sent.write('x'.repeat(99))
  setTimeout(() => sent.end('x'), 3 * SHORT)
  const [response] = await once(sent, 'response')
  t.equal(response.statusCode, 413)
  t.match(await text(response), '"body_too_large"')
  t.strictSame(errors, ['FST_ERR_CTP_BODY_TOO_LARGE'])
})

t.test('deadlines leave room for the time limits of the dependencies', (t) => {
  const limits = { auth: { timeoutMs: 5000 }, database: { timeoutMs: 5000 }, storage: { timeoutMs: 30_000 } }
  t.strictSame(deadlinesOf(limits as never), { usual: 30_000, storage: 120_000, largeBody: 1_020_000 })
  t.end()
})
