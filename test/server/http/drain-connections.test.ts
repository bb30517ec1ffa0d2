import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import fastify from 'fastify'
import t from 'tap'
import drainConnections from '../../../src/server/http/drain-connections.ts'

t.test(
  'a draining server goes on accepting requests, and closes each connection after its answer',
  async (t) => {
    const app = fastify()
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
