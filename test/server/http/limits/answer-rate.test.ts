import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import answerRate from '../../../../src/server/http/limits/answer-rate.ts'
import deadline from '../../../../src/server/http/limits/deadline.ts'
import memoryBudget from '../../../../src/server/http/limits/memory-budget.ts'
import problemDetails from '../../../../src/server/http/problems/problem-details.ts'
import { countKept } from '../../../helpers/clients-that-leave.ts'

const MB = 1024 * 1024

/** An answer that is larger than what sockets take, in pieces as those of large scores. */
const answer = () => Readable.from(Array.from({ length: 480 }, () => Buffer.alloc(MB / 16)))

/** A server, and the clock by which it judges. */
async function start(t: Test) {
  const clock = { ms: 0 }
  const now = performance.now.bind(performance)
  t.intercept(performance, 'now', { value: () => now() + clock.ms })
  const app = fastify()
  await app.register(problemDetails)
  await app.register(deadline, { deadlines: { usual: 60_000, storage: 60_000, largeBody: 60_000 } })
  app.decorateRequest('user')
  await app.register(memoryBudget, { bytes: 512 * MB, bodyWaitMs: 5000 })
  await app.register(answerRate, { checkMs: 20 })
  app.get('/', async (_request, reply) => reply.type('text/plain').send(answer()))
  app.get('/wanted', { config: { minAnswerRate: () => 1000 * MB } }, async (_request, reply) =>
    reply.type('text/plain').send(answer())
  )
  app.get('/late', async () => {
    await sleep(100)
    return 'x'.repeat(MB)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())

  /** Asks for the answer, and reads its beginning. */
  async function ask(path = '/') {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
    await once(socket, 'readable')
    await sleep(100)
    return socket
  }
  const connections = () => new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)))
  return { app, clock, ask, connections }
}

t.test(
  'closes the connection of a client that takes too little of its answer in twenty seconds',
  async (t) => {
    const { clock, ask, connections } = await start(t)
    const socket = await ask()
    clock.ms += 19_000
    await sleep(100)
    t.equal(await connections(), 1)
    clock.ms += 2000
    while ((await connections()) !== 0) await sleep(20)
    socket.destroy()
  }
)

t.test('leaves a client that takes enough, however long it takes', async (t) => {
  const { clock, ask, connections } = await start(t)
  const socket = await ask()
  for (let taken = 0; taken < 10 * MB;) {
    const piece = socket.read() as Buffer | null
    taken += piece?.length ?? 0
    if (!piece) await sleep(1)
  }
  clock.ms += 60_000
  await sleep(100)
  t.equal(await connections(), 1)
})

t.test('asks for more where the route does, and while others wait for memory', async (t) => {
  const { app, clock, ask, connections } = await start(t)
  const wanted = await ask('/wanted')
  wanted.read()
  clock.ms += 21_000
  while ((await connections()) !== 0) await sleep(20)

  const socket = await ask()
  const release = app.memoryBudget.answers.borrow('others', 256 * MB)
  const waiting = app.memoryBudget.answers.acquire('robert')
  for (let taken = 0; taken < MB / 4;) {
    const piece = socket.read(65_536) as Buffer | null
    taken += piece?.length ?? 0
    if (!piece) await sleep(1)
  }
  clock.ms += 10 * 60_000
  while ((await connections()) !== 0) await sleep(20)
  release()
  ;(await waiting)()
  t.pass('closed')
})

t.test('an answer is not kept when its client has left before', async (t) => {
  const { app } = await start(t)
  t.ok((await countKept(app.server, 'GET /late HTTP/1.1\r\nhost: x\r\n\r\n')) <= 3)
})
