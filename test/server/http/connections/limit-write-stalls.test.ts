import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import fastify from 'fastify'
import t from 'tap'
import limitWriteStalls from '../../../../src/server/http/connections/limit-write-stalls.ts'
import { createLimitedServer } from '../../../../src/server/http/connections/limited-server.ts'
import { openConnection, REQUEST } from '../../../helpers/limited-server.ts'
import { until } from '../../../helpers/until.ts'

t.test('closes the connection of a client that does not read its answer', async (t) => {
  const app = fastify({ serverFactory: createLimitedServer })
  await app.register(limitWriteStalls, { stallMs: 200 })
  app.get('/', async () => Buffer.alloc(50_000_000))
  app.get('/slow', async () => {
    await sleep(500)
    return 'ok'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo

  const reader = openConnection(t, port)
  const silent = openConnection(t, port)
  silent.socket.pause()
  silent.socket.write(REQUEST)
  const countConnections = promisify(app.server.getConnections.bind(app.server))
  while ((await countConnections()) !== 2) await sleep(5)
  while ((await countConnections()) !== 1) await sleep(20)

  reader.socket.write(REQUEST.replace('/', '/slow'))
  await until(() => reader.answers() === 1)
  t.pass('an answer that takes longer to begin arrives')
})
