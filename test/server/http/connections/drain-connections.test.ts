import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify from 'fastify'
import t from 'tap'
import drainConnections from '../../../../src/server/http/connections/drain-connections.ts'
import { createLimitedServer } from '../../../../src/server/http/connections/limited-server.ts'
import { REQUEST } from '../../../helpers/limited-server.ts'

t.test(
  'a draining server goes on accepting requests, and closes each connection after its answer',
  async (t) => {
    const app = fastify({ serverFactory: createLimitedServer })
    t.teardown(() => app.close())
    await app.register(drainConnections)
    app.get('/', async () => 'ok')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const agent = new Agent({ keepAlive: true })
    const { port } = app.server.address() as { port: number }
    const call = async () => {
      const [answer] = (await once(request({ port, agent }).end(), 'response')) as [IncomingMessage]
      answer.resume()
      return [answer.statusCode, answer.headers.connection]
    }

    t.strictSame(await call(), [200, 'keep-alive'])
    t.equal(app.isDraining, false)
    const drained = app.drain(200)
    t.equal(app.isDraining, true)
    t.strictSame(await call(), [200, 'close'])
    t.strictSame(await call(), [200, 'close'], 'new connections are accepted')
    await drained
    t.strictSame(await call(), [200, 'close'], 'until the app is closed')
    await app.close()
    await t.rejects(call(), { code: 'ECONNREFUSED' })
  }
)

for (const [name, sent] of [
  ['has sent nothing', ''],
  ['has sent half a head', 'GET / HTTP/1.1\r\nHo'],
  ['has had an answer', REQUEST],
  ['has had an answer, and has sent half a head', `${REQUEST}GET / HT`]
] as const) {
  t.test(`a server that closes does not wait for a connection that ${name}`, async (t) => {
    const app = fastify({ serverFactory: createLimitedServer })
    await app.register(drainConnections)
    app.get('/', async () => 'ok')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as { port: number }
    const socket = connect(port, '127.0.0.1').resume()
    socket.write(sent)
    await sleep(100)
    await Promise.all([once(socket, 'close'), app.close()])
  })
}

t.test('a server that closes finishes what runs, also of pipelined requests', async (t) => {
  const app = fastify({ serverFactory: createLimitedServer })
  await app.register(drainConnections)
  const goOn: Array<(text: string) => void> = []
  app.get('/', () => new Promise<string>((resolve) => goOn.push(resolve)))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (piece) => (received += piece.toString()))
  socket.write(REQUEST.repeat(2))
  while (goOn.length < 2) await sleep(5)
  goOn[0]?.('first')
  while (!received.includes('first')) await sleep(5)
  const closed = Promise.all([once(socket, 'close'), app.close()])
  await sleep(50)
  goOn[1]?.('second')
  await closed
  t.match(received, /second/)
})
