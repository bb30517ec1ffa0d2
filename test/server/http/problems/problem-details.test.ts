import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { problems, type ProblemCode } from '../../../../src/contract/problem.ts'
import { ApiError } from '../../../../src/server/errors.ts'
import { build } from '../../../helpers/app.ts'
import { isProblem } from '../../../helpers/problem.ts'
import { query } from '../../../helpers/scratch-database.ts'
import { needsServerWithin } from '../../../helpers/server-command.ts'

const { app, as, database, issuer } = await build(t)
const clara = as('auth0|clara')
await clara.sync()

t.test('an unknown route outside of the API is a problem', async (t) => {
  for (const url of ['/', '/API/sessions', '/docs.json']) {
    const { detail } = isProblem(t, await app.inject({ method: 'GET', url }), 'route_not_found')
    t.match(detail, '/docs')
  }
})

t.test('HEAD is answered without a body', async (t) => {
  const response = await clara.call('HEAD', '/api/sessions')
  t.equal(response.statusCode, 200)
  t.equal(response.body, '')
})

t.test('an internal error reveals no details', async (t) => {
  const { id } = (await clara.save()).json<{ id: string }>()
  await query(
    database.url,
    'ALTER TABLE sessions RENAME COLUMN song_name TO secret_name',
    "ALTER TABLE users ADD CONSTRAINT secret_check CHECK (email <> 'forbidden@example.com')"
  )
  const answers = [
    await clara.list(),
    await clara.get(id),
    await clara.save(),
    await clara.sync({ email: 'forbidden@example.com' })
  ]
  for (const response of answers) {
    const problem = isProblem(t, response, 'internal_error')
    t.strictSame(Object.keys(problem).sort(), ['code', 'detail', 'status', 'title', 'type'])
    t.notMatch(response.body, /secret|song|column|SQL|prisma|select|127\.0\.0\.1|forbidden|at \w/i)
    t.match(response.headers['x-request-id'], /^[0-9a-f-]{36}$/, 'the id under which it is logged')
  }
  await query(
    database.url,
    'ALTER TABLE sessions RENAME COLUMN secret_name TO song_name',
    'ALTER TABLE users DROP CONSTRAINT secret_check'
  )
  t.equal((await clara.list()).statusCode, 200, 'the next request succeeds')
})

t.test('the response schema of a route does not change an error, which names all faults', async (t) => {
  const problem = isProblem(t, await clara.save({ songName: '', duration: -1 }), 'invalid_input', '/songName')
  t.strictSame(problem, {
    type: '/docs#invalid_input',
    title: 'The request is not valid',
    status: 400,
    code: 'invalid_input',
    detail: 'songName must NOT have fewer than 1 characters; duration must be >= 0',
    errors: [
      { path: '/songName', message: 'must NOT have fewer than 1 characters' },
      { path: '/duration', message: 'must be >= 0' }
    ]
  })
})

t.test("the caller's request id is used if it is valid", async (t) => {
  const ask = async (id: string) =>
    (await app.inject({ method: 'GET', url: '/healthz', headers: { 'x-request-id': id } })).headers[
      'x-request-id'
    ]
  t.equal(await ask('abc-123_X'), 'abc-123_X')
  for (const id of ['', 'a b', '<x>', 'x'.repeat(65), 'é']) {
    t.match(await ask(id), /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  }
})

t.test('a 503 has Retry-After', async (t) => {
  t.equal(new ApiError('storage_unavailable', 'Later').retryAfter, 5)
  t.equal(new ApiError('storage_unavailable', 'Later', { retryAfter: 60 }).retryAfter, 60)
  t.equal(new ApiError('invalid_input', 'No').retryAfter, undefined)
})

t.test(
  'a malformed request gets a problem, and its connection is closed',
  { skip: needsServerWithin },
  async (t) => {
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo

    async function answerTo(sent: string, meanwhile: (socket: Socket) => void = () => {}) {
      const accepted = once(app.server, 'connection')
      const client = connect(port, '127.0.0.1')
      client.write(sent)
      const answer = text(client) // until the connection ends
      const [socket] = (await accepted) as [Socket]
      meanwhile(socket)
      const [head = '', body = ''] = (await answer).split('\r\n\r\n')
      return { head, body }
    }

    function isRefused({ head, body }: { head: string; body: string }, code: ProblemCode) {
      const [status, title] = problems[code]
      t.match(head, new RegExp(`^HTTP/1.1 ${status} [\\w ]+\r\n`))
      t.match(head, /\r\ncontent-type: application\/problem\+json; charset=utf-8\r\n/i)
      t.match(head, new RegExp(`\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`, 'i'))
      t.match(JSON.parse(body), { type: `/docs#${code}`, title, status, code, detail: /\w+ \w+/ })
    }

    for (const malformed of [
      'secret\r\n\r\n',
      'SECRET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nhost: x\r\nse cret: x\r\n\r\n',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'
    ]) {
      isRefused(await answerTo(malformed), 'invalid_input')
    }
    isRefused(
      await answerTo(`GET / HTTP/1.1\r\nhost: x\r\ncookie: ${'x'.repeat(17_000)}\r\n\r\n`),
      'headers_too_large'
    )

    // Node checks for slow requests every 30 seconds, and then emits exactly this.
    const timeOut = (socket: Socket) =>
      app.server.emit(
        'clientError',
        Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
        socket
      )
    isRefused(await answerTo('GET / HTTP/1.1\r\nho', timeOut), 'upload_stalled')

    const { id } = (await clara.save()).json<{ id: string }>()
    await query(
      database.url,
      `UPDATE sessions SET xml_content = repeat('<note/>', 1200000) WHERE id = '${id}'`
    )
    const [accepted, client] = [
      once(app.server, 'connection') as Promise<Socket[]>,
      connect(port, '127.0.0.1')
    ]
    client
      .on('error', () => {})
      .write(
        `GET /api/sessions/${id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${issuer.token(clara.sub)}\r\n\r\n`
      )
    const [unread] = await accepted
    await once(client, 'readable') // without reading: the rest of the answer stays in the buffers
    client.write('GARBAGE\r\n\r\n')
    await once(unread as Socket, 'close')
    client.destroy()

    const gone = await answerTo('', (socket) => {
      timeOut(socket.destroy())
    })
    t.strictSame(gone, { head: '', body: '' }, 'a closed connection gets no answer')
    t.equal((await clara.list()).statusCode, 200)
  }
)
