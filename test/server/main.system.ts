import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { startServices } from '../helpers/app.ts'
import { startFaultyProxy } from '../helpers/faulty-proxy.ts'
import { fixture } from '../helpers/recordings.ts'
import { runServerCode, startServerProcess } from '../helpers/server-process.ts'
import { expectSound } from '../helpers/session-state.ts'

const services = await startServices(t)
const authorization = `Bearer ${services.issuer.token('auth0|clara')}`
const post = (url: string, body: unknown) =>
  fetch(url, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })

t.test('SIGTERM lets a running save finish, refuses new connections and ends with 0', async (t) => {
  const proxy = await startFaultyProxy(t, services.env['SUPABASE_URL'] ?? '')
  const server = await startServerProcess(t, { ...services.env, SUPABASE_URL: proxy.url })
  t.match(
    (
      await post(`${server.url}/api/users/sync`, {
        auth0_id: 'auth0|clara',
        email: 'clara@example.com',
        name: 'Clara'
      })
    ).status,
    201
  )
  const hung = proxy.breakOn('POST /storage/v1/object/', 'hang')
  const audioBase64 = (await fixture('recording.webm')).toString('base64')
  const save = post(`${server.url}/api/sessions`, {
    songName: 'Ode to Joy',
    instrument: 'Piano',
    duration: 60,
    audioBase64
  })
  await hung
  server.kill('SIGTERM')
  let isRefusing = false
  while (!isRefusing) {
    isRefusing = await fetch(`${server.url}/healthz`, { headers: { connection: 'close' } }).then(
      () => false,
      () => true
    )
  }
  await proxy.resume()
  t.equal((await save).status, 201)
  t.strictSame(await server.exited, [0, null])
  t.equal((await expectSound(t, services)).objects.length, 1)
})

t.test('SIGTERM lets a started answer finish', async (t) => {
  const server = await startServerProcess(t, services.env)
  const score = 'a'.repeat(10_000_000)
  await post(`${server.url}/api/users/sync`, {
    auth0_id: 'auth0|clara',
    email: 'clara@example.com',
    name: 'Clara'
  })
  const { id } = (await (
    await post(`${server.url}/api/sessions`, {
      songName: 'Ode to Joy',
      instrument: 'Piano',
      duration: 60,
      xmlContent: score
    })
  ).json()) as { id: string }
  const agent = new Agent({ keepAlive: true })
  const [answer] = (await once(
    request(`${server.url}/api/sessions/${id}`, { agent, headers: { authorization } }).end(),
    'response'
  )) as [IncomingMessage]
  server.kill('SIGTERM')
  let isRefusing = false
  while (!isRefusing) {
    isRefusing = await fetch(`${server.url}/healthz`, { headers: { connection: 'close' } }).then(
      () => false,
      () => true
    )
  }
  t.ok((JSON.parse(await text(answer)) as { xmlContent: string }).xmlContent === score)
  t.strictSame(await server.exited, [0, null])
})

t.test(
  'an empty environment stops the start with one message that names all missing variables',
  async (t) => {
    const { code, stdout, stderr } = await runServerCode(t, 'main', [], {})
    t.equal(code, 1)
    t.equal(stdout, '')
    for (const name of [
      'DATABASE_URL',
      'AUTH0_DOMAIN',
      'AUTH0_AUDIENCE',
      'SUPABASE_URL',
      'SUPABASE_SERVICE_ROLE_KEY'
    ]) {
      t.match(stderr, name)
    }
    t.notMatch(stderr, /^ +at /m, 'no stack')
  }
)

t.test('a port in use stops the start with a clear message', async (t) => {
  const occupant = createServer().listen(0, '127.0.0.1')
  await once(occupant, 'listening')
  t.teardown(() => occupant.close())
  const { port } = occupant.address() as AddressInfo
  const { code, stderr } = await runServerCode(t, 'main', [], { ...services.env, PORT: String(port) })
  t.equal(code, 1)
  t.match(stderr, new RegExp(`address already in use.*${port}`))
  t.notMatch(stderr, /^ +at /m, 'no stack')
})
