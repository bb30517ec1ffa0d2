import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import fastify from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import deadline from '../../../../src/server/http/limits/deadline.ts'
import memoryBudget, { memoryBudgetBytes } from '../../../../src/server/http/limits/memory-budget.ts'
import problemDetails from '../../../../src/server/http/problems/problem-details.ts'
import { isProblem } from '../../../helpers/problem.ts'

const MB = 1024 * 1024

/** An app with 64 MB for answers, so 16 MB for one user, and answers of 15 MB: more than sockets take at once. */
async function start(t: Test) {
  const app = fastify()
  const streams: Readable[] = []
  await app.register(problemDetails)
  await app.register(deadline, { deadlines: { usual: 300, storage: 300, largeBody: 300 } })
  await app.register(
    fp(async (auth) => {
      auth.decorateRequest('user')
      auth.addHook('onRequest', async (request) => {
        const sub = request.headers['x-user']
        if (sub !== undefined) request.user = { sub: String(sub) }
      })
    })
  )
  await app.register(memoryBudget, { bytes: 128 * MB, bodyWaitMs: 200, answerWaitMs: 200 })
  const answer = 'x'.repeat(15 * MB)
  app.route({ method: ['GET', 'POST'], url: '/', handler: async () => answer })
  app.get('/small', async () => 'small')
  app.get('/stream', async (_request, reply) => {
    const stream = Readable.from(['piece'])
    streams.push(stream)
    return reply.type('text/plain').send(stream)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo

  /** Asks for a large answer and does not read it. */
  async function holdAnswer(user: string | undefined): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1' })
    t.teardown(() => socket.destroy())
    socket.pause()
    const arrived = once(app.server, 'request')
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\n${user === undefined ? '' : `x-user: ${user}\r\n`}\r\n`)
    await arrived
    await new Promise((resolve) => setTimeout(resolve, 50))
    return socket
  }

  const call = (
    user: string | undefined,
    url = '/',
    method: 'GET' | 'POST' = 'GET',
    remoteAddress = '127.0.0.1'
  ) => app.inject({ method, url, remoteAddress, headers: user === undefined ? {} : { 'x-user': user } })
  return { app, call, holdAnswer, streams }
}

t.test('who does not read an answer gets no other large one, and others do', async (t) => {
  const { call, holdAnswer } = await start(t)
  const held = await holdAnswer('greedy')
  const refused = await call('greedy')
  isProblem(t, refused, 'server_busy')
  t.equal((await call('greedy', '/small')).statusCode, 200)
  t.equal((await call('clara')).statusCode, 200)
  t.equal((await call(undefined)).statusCode, 200, 'requests without a user count as one')

  held.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal((await call('greedy')).statusCode, 200, 'a closed connection gives its memory back')
  t.equal((await call('greedy')).statusCode, 200, 'so does an answer that was read')
})

t.test(
  'the answer to a write does not wait, and one that is made while it is sent counts, too',
  async (t) => {
    const { call, holdAnswer, streams } = await start(t)
    await holdAnswer('greedy')
    t.equal((await call('greedy', '/', 'POST')).statusCode, 200)
    isProblem(t, await call('greedy', '/stream'), 'server_busy')
    t.ok(streams[0]?.destroyed, 'nothing more is read for it')
    t.equal((await call('clara', '/stream')).body, 'piece')
  }
)

t.test('all requests without a user share one part, whatever their addresses', async (t) => {
  const { call, holdAnswer } = await start(t)
  const held = await holdAnswer(undefined)
  for (const address of ['127.0.0.1', '192.0.2.1', '2001:db8::1']) {
    isProblem(t, await call(undefined, '/', 'GET', address), 'server_busy')
  }
  t.equal((await call('clara')).statusCode, 200)
  held.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal((await call(undefined, '/', 'GET', '192.0.2.1')).statusCode, 200)
})

t.test('a body waits for memory unless it is small', async (t) => {
  const { app, call } = await start(t)
  const post = (payload: string) =>
    app.inject({
      method: 'POST',
      url: '/',
      headers: { 'x-user': 'clara', 'content-type': 'text/plain' },
      payload
    })
  const release = app.memoryBudget.bodies.borrow('robert', 96 * MB)
  isProblem(t, await post('x'.repeat(20_000)), 'server_busy')
  t.equal((await call('clara')).statusCode, 200, 'answers have memory of their own')
  t.equal((await post('x'.repeat(1000))).statusCode, 200)
  release()
  t.equal((await post('x'.repeat(20_000))).statusCode, 200)
  t.equal((await call('clara')).statusCode, 200, 'it is given back with the answer')
})

t.test('the budget is a part of the memory of the process', (t) => {
  const bytes = memoryBudgetBytes()
  t.ok(bytes > 16 * MB && bytes <= 1024 * MB, `${bytes}`)
  t.end()
})
