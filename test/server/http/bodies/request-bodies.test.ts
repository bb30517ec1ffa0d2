import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import requestBodies from '../../../../src/server/http/bodies/request-bodies.ts'
import deadline from '../../../../src/server/http/limits/deadline.ts'
import problemDetails from '../../../../src/server/http/problems/problem-details.ts'
import { build } from '../../../helpers/app.ts'
import { countKept } from '../../../helpers/clients-that-leave.ts'
import { isProblem } from '../../../helpers/problem.ts'

const { app, as } = await build(t, { env: { MAX_RECORDING_BYTES: '1024' } })
const clara = as('auth0|clara')
await clara.sync()
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address() as AddressInfo

t.test('a body with a Content-Encoding is 415 that names it', async (t) => {
  const gzip = gzipSync('{"songName":"Ode to Joy","instrument":"Piano","duration":60}')
  for (const url of ['/api/sessions', '/api/users/sync']) {
    for (const encoding of ['gzip', 'br', 'deflate, gzip', '<script>']) {
      const headers = { ...clara.headers(), 'content-type': 'application/json', 'content-encoding': encoding }
      const response = await app.inject({ method: 'POST', url, headers, payload: gzip })
      const { detail } = isProblem(t, response, 'unsupported_media_type')
      t.match(detail, /without Content-Encoding/)
      if (/^\w+$/.test(encoding)) t.match(detail, encoding)
      t.notMatch(detail, '<script>')
      t.equal(response.headers['accept-encoding'], 'identity')
    }
  }
})

t.test('the encoding identity, and an encoding without a body, are accepted', async (t) => {
  const headers = { ...clara.headers(), 'content-type': 'application/json', 'content-encoding': 'identity' }
  const payload = JSON.stringify({ auth0_id: clara.sub })
  t.equal((await app.inject({ method: 'POST', url: '/api/users/sync', headers, payload })).statusCode, 200)
  t.equal(
    (await app.inject({ url: '/api/sessions', headers: { ...headers, 'content-encoding': 'gzip' } }))
      .statusCode,
    200
  )
})

/** Opens a connection and sends the head of a request. */
function open(t: Test, path: string, headers: Record<string, string | number>): Socket {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  const lines = Object.entries({ host: 'x', 'content-type': 'application/json', ...headers })
  socket.write(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  )
  return socket
}

/** What a client sees that reads nothing before it has sent everything. */
async function sendAll(socket: Socket, pieces: Iterable<string | Buffer>): Promise<string> {
  socket.pause()
  for (const piece of pieces) if (!socket.write(piece)) await once(socket, 'drain')
  const [answer] = (await once(socket.resume(), 'data')) as [Buffer]
  return answer.toString()
}

const MB = Buffer.alloc(1024 * 1024, 0x20)

t.test(
  'an oversized body is 413, also for a client that reads the answer after it has sent everything',
  async (t) => {
    for (const [path, megabytes] of [
      ['/api/sessions', 45],
      ['/api/users/sync', 10]
    ] as const) {
      const announced = open(t, path, { ...clara.headers(), 'content-length': megabytes * MB.length })
      t.match(
        await sendAll(announced, Array<Buffer>(megabytes).fill(MB)),
        /^HTTP\/1\.1 413 [^]*body_too_large/,
        path
      )

      const closing = open(t, path, {
        ...clara.headers(),
        connection: 'close',
        'content-length': megabytes * MB.length
      })
      t.match(await sendAll(closing, Array<Buffer>(megabytes).fill(MB)), /^HTTP\/1\.1 413 /, `${path}, close`)

      const chunked = open(t, path, { ...clara.headers(), 'transfer-encoding': 'chunked' })
      const chunks = Array<string | Buffer>(megabytes).fill(
        Buffer.concat([Buffer.from('100000\r\n'), MB, Buffer.from('\r\n')])
      )
      t.match(await sendAll(chunked, [...chunks, '0\r\n\r\n']), /^HTTP\/1\.1 413 [^]*body_too_large/, path)

      chunked.write(
        `GET /api/stats HTTP/1.1\r\nhost: x\r\nauthorization: ${clara.headers().authorization}\r\nconnection: close\r\n\r\n`
      )
      t.match(await text(chunked), /HTTP\/1\.1 200 /, 'the connection can be used again')
    }
  }
)

t.test('an oversized body is refused at once, without waiting for a place among the uploads', async (t) => {
  const socket = open(t, '/api/sessions', { ...clara.headers(), 'content-length': 900_000_000 })
  const [answer] = (await once(socket, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 413 /)
})

t.test('100 Continue is sent after authentication, and not for a body that is refused', async (t) => {
  const body = JSON.stringify({ auth0_id: clara.sub })
  const expect = { expect: '100-continue', 'content-length': body.length }

  const good = open(t, '/api/users/sync', { ...clara.headers(), ...expect })
  const [first] = (await once(good, 'data')) as [Buffer]
  t.equal(first.toString(), 'HTTP/1.1 100 Continue\r\n\r\n')
  good.write(body)
  const [second] = (await once(good, 'data')) as [Buffer]
  t.match(second.toString(), /^HTTP\/1\.1 200 /)

  for (const [headers, status] of [
    [{ ...expect }, 401],
    [{ ...expect, authorization: 'Bearer x' }, 401],
    [{ ...expect, ...clara.headers(), 'content-length': 900_000_000 }, 413],
    [{ ...expect, ...clara.headers(), 'content-length': 900_000_000, connection: 'close' }, 413],
    [{ ...expect, ...clara.headers(), 'content-encoding': 'gzip' }, 415]
  ] as const) {
    const [answer] = (await once(open(t, '/api/users/sync', headers), 'data')) as [Buffer]
    t.match(answer.toString(), new RegExp(`^HTTP/1\\.1 ${status} `))
  }
})

t.test('requests that expect 100 Continue have the limits of their connection', async (t) => {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {}) // a connection that the server closes may be reset
  socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\r\n'.repeat(200))
  let received = ''
  const isClosed = once(socket, 'close').then(() => true)
  const areAnswered = new Promise<boolean>((resolve) => {
    socket.on('data', (piece) => {
      received += piece.toString()
      if (received.split('HTTP/1.1 200').length > 200) resolve(false)
    })
  })
  t.ok(await Promise.race([isClosed, areAnswered]), 'a connection with too many requests is closed')
})

t.test('a refused request is not kept when its client leaves in the middle of the body', async (t) => {
  for (const connection of ['close', 'keep-alive']) {
    const head = `POST /api/sessions HTTP/1.1\r\nhost: x\r\nconnection: ${connection}\r\ncontent-length: 100\r\n\r\n{`
    t.ok((await countKept(app.server, head)) <= 3, connection)
  }
})

t.test('many refused bodies are discarded piece by piece, with other work in between', async (t) => {
  const strict = fastify()
  let [pieces, most] = [0, 0]
  await strict.register(problemDetails)
  await strict.register(deadline, { deadlines: { usual: 60_000, storage: 60_000, largeBody: 60_000 } })
  await strict.register(requestBodies)
  strict.addHook('onRequest', async ({ raw }) => {
    raw.pause() // so that the listener does not begin to read
    raw.on('data', () => {
      most = Math.max(most, ++pieces)
      if (pieces === 1) setImmediate(() => (pieces = 0))
    })
  })
  strict.post('/', async () => 'never')
  t.teardown(() => strict.close())
  const url = await strict.listen({ port: 0, host: '127.0.0.1' })

  const refused = Array.from({ length: 100 }, async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    t.teardown(() => socket.destroy())
    const body = Array<Buffer>(2).fill(MB)
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${2 * MB.length}\r\n\r\n`)
    return sendAll(socket, body)
  })
  for (const answer of await Promise.all(refused)) t.match(answer, /^HTTP\/1\.1 413 /)
  t.ok(most > 1 && most <= 20, `${most} pieces in one turn`)
})
