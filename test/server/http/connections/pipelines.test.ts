import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openConnection, REQUEST, startLimitedServer } from '../../../helpers/limited-server.ts'
import { until } from '../../../helpers/until.ts'

t.test('handles eight pipelined requests at a time and answers all of them in order', async (t) => {
  let running = 0
  let most = 0
  const { port } = await startLimitedServer(t, (_request, response) => {
    most = Math.max(most, ++running)
    setTimeout(() => {
      running--
      response.end('ok')
    }, 5)
  })
  const { socket, answers } = openConnection(t, port)
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
    const { server, port } = await startLimitedServer(t, (request, response) => {
      const index = handled++
      request.once('close', () => closed.requests.push(index))
      response.on('close', () => closed.responses.push(index))
    })
    for (const event of ['request', 'checkExpectation']) server.on(event, () => parsed++)
    const { socket } = openConnection(t, port)
    socket.write(REQUEST.repeat(8))
    await until(() => handled === 8)
    socket.write(request.repeat(1700))
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

t.test('handles no request of a new connection that pipelines too many at once', async (t) => {
  const { port } = await startLimitedServer(t, () => t.fail('is handled'))
  const { socket } = openConnection(t, port)
  socket.write(REQUEST.repeat(1700))
  await once(socket, 'close')
  await sleep(20)
})

t.test('closes no connection whose first request is about to begin', async (t) => {
  const { server, port } = await startLimitedServer(t, (_request, response) => response.end('ok'))
  server.once('request', () => server.closeIdleConnections())
  const { socket, answers } = openConnection(t, port)
  socket.write(REQUEST)
  await Promise.race([until(() => answers() === 1), once(socket, 'close')])
  t.equal(answers(), 1)
})

t.test('answers a known connection between the first requests of many new ones', async (t) => {
  const NEW = 300
  const order: string[] = []
  const { port } = await startLimitedServer(t, ({ url = '' }, response) => {
    order.push(url)
    response.end('ok')
  })
  const known = openConnection(t, port)
  known.socket.write(REQUEST)
  await until(() => known.answers() === 1)
  const connections = Array.from({ length: NEW }, () => openConnection(t, port))
  await Promise.all(connections.map(({ socket }) => once(socket, 'connect')))
  await sleep(50) // until all are accepted
  for (const { socket } of connections) socket.write(REQUEST.replace('/', '/new'))
  known.socket.write(REQUEST.replace('/', '/known'))
  await until(() => order.length === NEW + 2)
  t.ok(order.indexOf('/known') < NEW / 2, `${order.indexOf('/known')} requests before it`)
})

t.test('a response that fails at once ends its connection, and not the process', async (t) => {
  const { port } = await startLimitedServer(t, (_request, response) => response.destroy(new Error('broken')))
  const { socket } = openConnection(t, port)
  socket.write(REQUEST.repeat(2))
  await once(socket, 'close')
})

t.test('connections whose answers fail leave nothing behind', async (t) => {
  let isBroken = true
  let running: ServerResponse[] = []
  const { port } = await startLimitedServer(t, (_request, response) => {
    if (!isBroken) return response.end('ok')
    if (running.push(response) % 8 === 0) setTimeout(failAll, 20)
  })
  const failAll = () => {
    for (const response of running) response.destroy()
    running = []
  }
  const broken = Array.from({ length: 15 }, () => openConnection(t, port).socket)
  for (const socket of broken) socket.write(REQUEST.repeat(108))
  await Promise.all(broken.map((socket) => once(socket, 'close')))
  await sleep(50)

  isBroken = false
  const { socket, answers } = openConnection(t, port)
  socket.write(REQUEST.repeat(50))
  await until(() => answers() === 50)
})

t.test('closes connections that pipeline while there are a thousand pipelined requests', async (t) => {
  const responses: ServerResponse[] = []
  const { port } = await startLimitedServer(t, (_request, response) => responses.push(response))
  const flood = Array.from({ length: 20 }, () => openConnection(t, port).socket)
  let closed = 0
  for (const socket of flood) socket.once('close', () => closed++).write(REQUEST.repeat(100))
  await until(() => closed === 10)

  const handled = responses.length
  const single = openConnection(t, port)
  single.socket.write(REQUEST)
  await until(() => responses.length > handled)
  responses.at(-1)?.end('ok')
  await until(() => single.answers() === 1)
  t.pass('a client that does not pipeline is served')

  for (const socket of flood) socket.destroy()
  await sleep(50)
  const later = openConnection(t, port)
  later.socket.write(REQUEST.repeat(2))
  await until(() => responses.length === handled + 3)
  t.pass('and one that does, when the others have left')
})

t.test('a client that disconnects leaves its waiting requests unhandled', async (t) => {
  let handled = 0
  const { port } = await startLimitedServer(t, () => handled++)
  const { socket } = openConnection(t, port)
  socket.write(REQUEST.repeat(20))
  await until(() => handled === 8)
  socket.destroy()
  await sleep(50)
  t.equal(handled, 8)
})

t.test('a client that disconnects closes all its answers, each once', async (t) => {
  const responses: ServerResponse[] = []
  const closed: number[] = []
  const { port } = await startLimitedServer(t, (_request, response) => {
    const index = responses.push(response) - 1
    response.on('close', () => closed.push(index))
    if (index === 1) response.end('made, and waits for the one before')
    if (index === 2) response.destroy()
  })
  const { socket } = openConnection(t, port)
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
