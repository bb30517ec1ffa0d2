import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import fastify from 'fastify'
import t from 'tap'
import requestBodies from '../../../../src/server/http/bodies/request-bodies.ts'
import deadline from '../../../../src/server/http/limits/deadline.ts'
import problemDetails from '../../../../src/server/http/problems/problem-details.ts'

const PIECE = Buffer.alloc(64 * 1024, 0x20)
/** Each of them has a piece to discard. All together take longer than the pause that ends a wait. */
const OTHERS = 1500

t.test('a body that waits for its turn to be discarded is read to its end before its answer', async (t) => {
  const app = fastify()
  await app.register(problemDetails)
  await app.register(deadline, { deadlines: { usual: 60_000, storage: 60_000, largeBody: 60_000 } })
  await app.register(requestBodies)
  const wereRead: boolean[] = []
  app.addHook('onResponse', async ({ raw }, reply) => {
    if (!reply.raw.shouldKeepAlive) wereRead.push(raw.complete)
  })
  app.post('/', { bodyLimit: 16 }, async () => 'never')
  t.teardown(() => app.close())
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))

  const send = (headers: string, body: Buffer) => {
    const socket = connect(Number(port), '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n`)
    socket.write(body)
    return socket
  }
  const others: Socket[] = []
  while (others.length < OTHERS) {
    const some = Array.from({ length: 250 }, () => send('content-length: 100', Buffer.from('half a')))
    await Promise.all(some.map((socket) => once(socket, 'data'))) // refused; the rest is now discarded
    others.push(...some)
  }
  for (const socket of others) socket.write(' body')

  const started = performance.now()
  const closing = send(
    `connection: close\r\ncontent-length: ${4 * PIECE.length}`,
    Buffer.concat(Array(4).fill(PIECE))
  )
  t.match(await text(closing), /^HTTP\/1\.1 413 /)
  t.ok(performance.now() - started > 1000, 'it has waited for longer than the pause that ends a wait')
  t.strictSame(wereRead, [true])
})
