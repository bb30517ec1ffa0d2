import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import limitAnswers, { createLimitedServer } from '../../../../src/server/http/limits/connection-limits.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

async function start(t: Test, handle: RequestListener, options = {}) {
  const server = createLimitedServer(handle, options)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

const listen = async (t: Test, handle: RequestListener, options = {}) =>
  (await start(t, handle, options)).port

function open(t: Test, port: number) {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (piece) => (received += piece.toString()))
  socket.on('error', () => {}) // a connection that the server closes may be reset
  t.teardown(() => socket.destroy())
  return { socket, answers: () => received.split('HTTP/1.1 200').length - 1 }
}

async function until(condition: () => boolean) {
  while (!condition()) await sleep(5)
}

t.test('handles eight pipelined requests at a time and answers all of them in order', async (t) => {
  let running = 0
  let most = 0
  const port = await listen(t, (_request, response) => {
    most = Math.max(most, ++running)
    setTimeout(() => {
      running--
      response.end('ok')
    }, 5)
  })
  const { socket, answers } = open(t, port)
  socket.write(REQUEST.repeat(50))
  await until(() => answers() === 50)
  t.equal(most, 8)
})

for (const [name, request] of [
  ['requests', REQUEST],
  ['requests without Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['requests with an unknown Expect', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: b\r\n\r\n']
] as const) {
  t.test(`closes a connection with more than a hundred waiting ${name}`, async (t) => {
    let handled = 0
    let parsed = 0
    const closed = { requests: [] as number[], responses: [] as number[] }
    const { server, port } = await start(t, (request, response) => {
      const index = handled++
      request.once('close', () => closed.requests.push(index))
      response.on('close', () => closed.responses.push(index))
    })
    for (const event of ['request', 'checkExpectation']) server.on(event, () => parsed++)
    const { socket } = open(t, port)
    socket.write(REQUEST.repeat(8) + request.repeat(1700))
    await once(socket, 'close')
    await until(() => closed.requests.length >= 8 && closed.responses.length >= 8)
    await sleep(20)
    t.equal(handled, 8, 'and handles none of those that waited')
    t.equal(parsed, 109, 'and stops parsing after the request that exceeds the limit')
    const all = [0, 1, 2, 3, 4, 5, 6, 7]
    t.strictSame(closed.requests.sort(), all, 'its requests are closed')
    t.strictSame(closed.responses.sort(), all, 'and its responses, each once')
  })
}

t.test('answers a request without Host or with an unknown Expect, and does not handle it', async (t) => {
  const port = await listen(t, (_request, response) => response.end('ok'))
  for (const [sent, answer] of [
    ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
    ['GET / HTTP/1.0\r\n\r\n', /^HTTP\/1.1 200 /],
    ['GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n', /^HTTP\/1.1 417 /],
    ['GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n', /^HTTP\/1.1 100 .*HTTP\/1.1 200 /s]
  ] as const) {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    let received = ''
    socket.on('data', (piece) => (received += piece.toString()))
    socket.write(sent)
    await until(() => answer.test(received))
  }
})

t.test('a response that fails at once ends its connection, and not the process', async (t) => {
  const port = await listen(t, (_request, response) => response.destroy(new Error('broken')))
  const { socket } = open(t, port)
  socket.write(REQUEST.repeat(2))
  await once(socket, 'close')
})

t.test('connections whose answers fail leave nothing behind', async (t) => {
  let isBroken = true
  let running: ServerResponse[] = []
  const port = await listen(t, (_request, response) => {
    if (!isBroken) return response.end('ok')
    if (running.push(response) % 8 === 0) setTimeout(failAll, 20)
  })
  const failAll = () => {
    for (const response of running) response.destroy()
    running = []
  }
  const broken = Array.from({ length: 15 }, () => open(t, port).socket)
  for (const socket of broken) socket.write(REQUEST.repeat(108))
  await Promise.all(broken.map((socket) => once(socket, 'close')))
  await sleep(50)

  isBroken = false
  const { socket, answers } = open(t, port)
  socket.write(REQUEST.repeat(50))
  await until(() => answers() === 50)
})

t.test('closes connections that pipeline while there are a thousand pipelined requests', async (t) => {
  const responses: ServerResponse[] = []
  const port = await listen(t, (_request, response) => responses.push(response))
  const flood = Array.from({ length: 20 }, () => open(t, port).socket)
  let closed = 0
  for (const socket of flood) socket.once('close', () => closed++).write(REQUEST.repeat(100))
  await until(() => closed === 10)

  const handled = responses.length
  const single = open(t, port)
  single.socket.write(REQUEST)
  await until(() => responses.length > handled)
  responses.at(-1)?.end('ok')
  await until(() => single.answers() === 1)
  t.pass('a client that does not pipeline is served')

  for (const socket of flood) socket.destroy()
  await sleep(50)
  const later = open(t, port)
  later.socket.write(REQUEST.repeat(2))
  await until(() => responses.length === handled + 3)
  t.pass('and one that does, when the others have left')
})

t.test('answers a request that asks for another protocol as usual', async (t) => {
  const port = await listen(t, (_request, response) => response.end('ok'))
  const { socket, answers } = open(t, port)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  await until(() => answers() === 1)
  socket.write(REQUEST)
  await until(() => answers() === 2)
})

t.test('closes a connection that asks for a tunnel', async (t) => {
  const port = await listen(t, () => t.fail('is handled'))
  const { socket } = open(t, port)
  socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'close')
})

t.test('a client that disconnects leaves its waiting requests unhandled', async (t) => {
  let handled = 0
  const port = await listen(t, () => handled++)
  const { socket } = open(t, port)
  socket.write(REQUEST.repeat(20))
  await until(() => handled === 8)
  socket.destroy()
  await sleep(50)
  t.equal(handled, 8)
})

t.test('a client that disconnects closes all its answers, each once', async (t) => {
  const responses: ServerResponse[] = []
  const closed: number[] = []
  const port = await listen(t, (_request, response) => {
    const index = responses.push(response) - 1
    response.on('close', () => closed.push(index))
    if (index === 1) response.end('made, and waits for the one before')
    if (index === 2) response.destroy()
  })
  const { socket } = open(t, port)
  socket.write(REQUEST.repeat(4))
  await until(() => responses.length === 4)
  socket.destroy()
  await until(() => closed.length >= 4)
  await sleep(50)
  t.strictSame(closed.sort(), [0, 1, 2, 3])
  for (const response of responses) {
    t.ok(response.destroyed)
    await t.rejects(pipeline(Readable.from(['late']), response), 'a late answer ends')
  }
})

t.test('limits the connections of one address', async (t) => {
  const port = await listen(t, (_request, response) => response.end('ok'), { maxConnectionsPerAddress: 2 })
  const [first, , third] = [open(t, port), open(t, port), open(t, port)]
  await once(third.socket, 'close')

  first.socket.write(REQUEST)
  await until(() => first.answers() === 1)
  first.socket.destroy()
  await sleep(50)
  const fourth = open(t, port)
  fourth.socket.write(REQUEST)
  await until(() => fourth.answers() === 1)
})

t.test('closes the connection of a client that does not read its answer', async (t) => {
  const app = fastify({ serverFactory: createLimitedServer })
  await app.register(limitAnswers, { stallMs: 200 })
  app.get('/', async () => Buffer.alloc(50_000_000))
  app.get('/slow', async () => {
    await sleep(500)
    return 'ok'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo

  const reader = open(t, port)
  const silent = open(t, port)
  silent.socket.pause()
  silent.socket.write(REQUEST)
  const countConnections = promisify(app.server.getConnections.bind(app.server))
  while ((await countConnections()) !== 2) await sleep(5)
  while ((await countConnections()) !== 1) await sleep(20)

  reader.socket.write(REQUEST.replace('/', '/slow'))
  await until(() => reader.answers() === 1)
  t.pass('an answer that takes longer to begin arrives')
})
