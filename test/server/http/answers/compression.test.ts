import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { ApiError } from '../../../../src/server/errors.ts'
import compression from '../../../../src/server/http/answers/compression.ts'
import problemDetails from '../../../../src/server/http/problems/problem-details.ts'
import { build } from '../../../helpers/app.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const long = JSON.stringify({ words: 'Für Elise '.repeat(500) })
let leave = () => {}
const left = new Promise<void>((resolve) => {
  leave = resolve
})

function* pieces(): Generator<string> {
  for (let at = 0; at < long.length; at += 100) yield long.slice(at, at + 100)
}

function* endless(): Generator<string> {
  try {
    for (let number = 0; ; number++) yield `${Math.sin(number)},`.repeat(100)
  } finally {
    leave()
  }
}

function* failing(): Generator<string> {
  yield* pieces()
  throw new Error('away')
}

async function* failingAtOnce(): AsyncGenerator<string> {
  throw new ApiError('server_busy', 'Retry shortly.')
}

const app: FastifyInstance = fastify()
await app.register(compression)
const answers: Record<string, () => unknown> = {
  '/long': () => long,
  '/huge': () => JSON.stringify({ words: 'Für Elise '.repeat(50_000) }),
  '/buffer': () => Buffer.from(long),
  '/short': () => JSON.stringify({ words: 'short' }),
  '/stream': () => Readable.from(pieces()),
  '/endless': () => Readable.from(endless()),
  '/failing': () => Readable.from(failing())
}
for (const [url, answer] of Object.entries(answers)) {
  app.get(url, (_request, reply) => reply.type(JSON_TYPE).header('etag', '"1"').send(answer()))
}
app.get('/audio', (_request, reply) => reply.type('audio/webm').send(Buffer.alloc(5000)))
app.get('/problem', (_request, reply) => reply.code(400).type('application/problem+json').send(long))
app.get('/nothing', (_request, reply) => reply.code(204).send())
t.teardown(() => app.close())
const origin = await app.listen({ host: '127.0.0.1', port: 0 })

const ask = (url: string, accepted?: string, method: 'GET' | 'HEAD' = 'GET') =>
  app.inject({ method, url, headers: accepted === undefined ? {} : { 'accept-encoding': accepted } })

t.test(
  'an answer that fails before its first piece is a problem without the headers of the answer',
  async (t) => {
    const app = fastify()
    t.teardown(() => app.close())
    await app.register(problemDetails)
    await app.register(compression)
    app.get('/', (_request, reply) =>
      reply
        .headers({ etag: '"1"', location: '/x', 'cache-control': 'private, no-cache' })
        .type(JSON_TYPE)
        .send(Readable.from(failingAtOnce()))
    )
    const response = await fetch(await app.listen({ host: '127.0.0.1', port: 0 }))
    t.equal(response.status, 503)
    t.match(await response.json(), { code: 'server_busy' })
    for (const name of ['content-encoding', 'etag', 'location']) {
      t.equal(response.headers.get(name), null, name)
    }
    t.equal(response.headers.get('cache-control'), 'no-store')
  }
)

t.test('JSON that is sent as bytes is compressed, too', async (t) => {
  const response = await ask('/buffer', 'gzip')
  t.equal(response.headers['content-encoding'], 'gzip')
  t.equal(gunzipSync(response.rawPayload).toString(), long)
  t.equal((await ask('/buffer')).body, long)
})

t.test('JSON of 1 kB and more is compressed when the client accepts gzip', async (t) => {
  const cases: Array<[accepted: string | undefined, isCompressed: boolean]> = [
    [undefined, false],
    ['', false],
    ['identity', false],
    ['deflate, br', false],
    ['gzip', true],
    ['GZIP', true],
    ['gzip, deflate, br, zstd', true],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
    ['identity, gzip;q=0.5', false],
    ['identity;q=0.5, gzip', true],
    ['*', true],
    ['*;q=0', false],
    [';;,=', false]
  ]
  for (const url of ['/long', '/huge', '/stream', '/problem']) {
    const plain = (await ask(url)).body
    for (const [accepted, isCompressed] of cases) {
      const { headers, rawPayload } = await ask(url, accepted)
      t.equal(headers['content-encoding'], isCompressed ? 'gzip' : undefined, `${url} ${accepted}`)
      t.equal(headers['vary'], 'Accept-Encoding')
      t.equal((isCompressed ? gunzipSync(rawPayload) : rawPayload).toString(), plain)
      if (isCompressed) t.ok(rawPayload.length < plain.length / 4)
    }
  }
})

t.test('the entity tag of a compressed answer is weak', async (t) => {
  for (const url of ['/long', '/stream']) {
    t.equal((await ask(url)).headers['etag'], '"1"')
    t.equal((await ask(url, 'gzip')).headers['etag'], 'W/"1"')
  }
})

t.test('short answers, other types and answers without a body stay as they are', async (t) => {
  t.match((await ask('/short', 'gzip')).headers, {
    'content-encoding': undefined,
    vary: 'Accept-Encoding',
    etag: '"1"'
  })
  for (const url of ['/audio', '/nothing']) {
    t.match((await ask(url, 'gzip')).headers, { 'content-encoding': undefined, vary: undefined })
  }
})

t.test('HEAD has the headers of GET', async (t) => {
  const [head, get] = [await ask('/long', 'gzip', 'HEAD'), await ask('/long', 'gzip')]
  t.equal(head.body, '')
  for (const name of ['content-encoding', 'content-length', 'content-type', 'etag', 'vary']) {
    t.equal(head.headers[name], get.headers[name], name)
  }
})

t.test('a stream that fails breaks the answer off', async (t) => {
  const response = await fetch(`${origin}/failing`, { headers: { 'accept-encoding': 'gzip' } })
  t.equal(response.headers.get('content-encoding'), 'gzip')
  await t.rejects(response.text())
})

t.test('a client that leaves ends the stream behind the compression', async (t) => {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write('GET /endless HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n')
  socket.once('data', () => socket.destroy())
  await left
})

t.test('the answers of the server are compressed', async (t) => {
  const { app, issuer, as } = await build(t)
  const clara = as('auth0|clara')
  await clara.sync()
  for (let song = 0; song < 12; song++) await clara.save({ songName: `Étude ${song}` })
  const list = await clara.list()
  const headers = {
    authorization: `Bearer ${issuer.token(clara.sub)}`,
    'accept-encoding': 'gzip',
    origin: 'http://localhost:5173'
  }
  const compressed = await app.inject({ url: '/api/sessions', headers })
  t.equal(compressed.headers['content-encoding'], 'gzip')
  t.match(compressed.headers['vary'], /Origin.*Accept-Encoding|Accept-Encoding.*Origin/)
  t.equal(gunzipSync(compressed.rawPayload).toString(), list.body)
})
