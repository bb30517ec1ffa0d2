import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startServices, type Services } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { runTypescript } from '../../../scripts/run-typescript.ts'
import { query } from '../../helpers/scratch-database.ts'

type Line = {
  level: number
  msg: string
  reqId?: string
  userId?: string
  req?: object
  res?: { statusCode: number }
  code?: string
  reason?: string
  err?: { type: string; message: string }
}

/** Starts the server as a separate process and collects its log. */
async function serve(t: Test, { env }: Services, changes: NodeJS.ProcessEnv = {}) {
  const main = fileURLToPath(new URL('../../../src/server/main.ts', import.meta.url))
  const child = spawn(process.execPath, [...runTypescript, main], {
    env: { PATH: process.env['PATH'], ...env, PORT: '0', LOG_LEVEL: 'trace', ...changes },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const exited = once(child, 'exit')
  const raw: string[] = []
  const lines = createInterface(child.stdout)
  const listening = new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      raw.push(line)
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []
      if (url && line.includes('Server listening')) resolve(url)
    })
    child.once('exit', () => reject(new Error(raw.join('\n'))))
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
  }
  t.teardown(stop)
  return { url: await listening, raw, lines: () => raw.map((line) => JSON.parse(line) as Line), stop }
}

const services = await startServices(t)
const { issuer, database } = services
const secrets = {
  email: 'hush-email@example.com',
  name: 'Hush Name',
  song: 'Hush Song',
  sub: 'auth0|hush-sub',
  query: 'hush-query',
  score: '<hush-score/>',
  feedback: 'hush-feedback'
}
const token = issuer.token(secrets.sub)
const audio = (await fixture('recording.webm')).toString('base64')

t.test('the log of all levels has every event and no personal data', async (t) => {
  const server = await serve(t, services)
  const call = async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${server.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        cookie: 'hush=cookie',
        ...headers
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    return {
      status: response.status,
      id: response.headers.get('x-request-id'),
      json: (await response.json()) as { id: string }
    }
  }
  const user = { auth0_id: secrets.sub, email: secrets.email, name: secrets.name }
  const session = {
    songName: secrets.song,
    instrument: 'Piano',
    duration: 60,
    xmlContent: secrets.score,
    analysis: secrets.feedback,
    audioBase64: audio
  }

  t.equal((await call('/api/users/sync', user)).status, 201)
  const saved = await call('/api/sessions', session)
  t.equal(saved.status, 201)
  t.equal((await call(`/api/sessions?limit=5&hush=${secrets.query}`)).status, 200)
  t.equal((await call(`/api/sessions/${saved.json.id}?access_token=${token}`)).status, 200)

  const refused = [
    await call('/api/sessions', { ...session, duration: secrets.song }),
    await call('/api/sessions', `{"songName":"${secrets.song}`),
    await call('/api/sessions', { ...session, audioBase64: 'hush-base64' }),
    await call(`/api/stats?tz=${secrets.query}`),
    await call('/api/users/sync', { ...user, auth0_id: 'auth0|hush-other' }),
    await call(`/${secrets.query}?x=${secrets.query}`),
    await call('/api/stats', undefined, { authorization: `Bearer ${token.slice(0, -8)}hushhush` })
  ]
  t.strictSame(
    refused.map(({ status }) => status),
    [400, 400, 400, 400, 403, 404, 401]
  )

  await query(
    database.url,
    `ALTER TABLE sessions ADD CONSTRAINT no_such CHECK (song_name <> '${secrets.song}!')`,
    `ALTER TABLE users ADD CONSTRAINT no_such CHECK (email <> 'x${secrets.email}')`
  )
  const failed = [
    await call('/api/sessions', { ...session, songName: `${secrets.song}!` }),
    await call('/api/users/sync', { ...user, email: `x${secrets.email}` })
  ]
  await query(
    database.url,
    'ALTER TABLE sessions DROP CONSTRAINT no_such',
    'ALTER TABLE sessions RENAME COLUMN song_name TO title'
  )
  failed.push(
    await call('/api/sessions'),
    await call(`/api/sessions/${saved.json.id}`),
    await call('/api/sessions', { ...session, audioBase64: null })
  )
  await query(database.url, 'ALTER TABLE sessions RENAME COLUMN title TO song_name')
  t.strictSame(
    failed.map(({ status }) => status),
    [500, 500, 500, 500, 500]
  )

  const opaque = await call('/api/sessions', undefined, { authorization: 'Bearer hush-opaque' })
  t.equal(opaque.status, 401)

  await services.storage.stop()
  const unavailable = await call('/api/sessions', session)
  t.equal(unavailable.status, 503)
  await services.storage.start()
  await server.stop()

  for (const { id } of failed) {
    const [line] = server.lines().filter(({ reqId, level }) => reqId === id && level === 50)
    t.match(
      line,
      {
        msg: 'internal_error',
        err: { type: 'ApiError', cause: { type: /Prisma|DatabaseError/, stack: '' } }
      },
      'the fault can be found by the request id'
    )
  }
  const [stored] = await query<{ id: string }>(database.url, 'SELECT id FROM users')
  const ofRequests = server.lines().filter(({ reqId }) => reqId === refused[0]?.id)
  t.ok(ofRequests.length >= 2)
  for (const { userId } of ofRequests) {
    t.equal(userId, stored?.id, 'every line after the authentication has the user')
  }
  t.match(
    server.lines().find(({ reqId, level }) => reqId === unavailable.id && level === 50),
    { msg: 'storage_unavailable' }
  )
  t.match(
    server.lines().find(({ reqId, msg }) => reqId === refused[0]?.id && msg === 'request refused'),
    { code: 'invalid_input' }
  )
  t.match(
    server.lines().filter(({ reqId }) => reqId === saved.id),
    [
      {
        msg: 'request completed',
        req: { method: 'POST', route: '/api/sessions' },
        res: { statusCode: 201 },
        responseTime: Number
      }
    ],
    'one line for a request'
  )

  t.match(
    server.lines().find(({ reqId, msg }) => reqId === opaque.id && msg === 'request refused'),
    { code: 'invalid_token', reason: 'opaque' }
  )

  const log = server.raw.join('\n')
  for (const [what, secret] of Object.entries({
    ...secrets,
    token,
    'part of a token': token.split('.')[1] ?? '',
    audio: audio.slice(100, 140),
    'start of the audio': audio.slice(0, 20)
  })) {
    const at = log.indexOf(secret)
    t.equal(at, -1, `${what}: ${at < 0 ? '' : log.slice(Math.max(at - 200, 0), at + 100)}`)
  }
  t.notMatch(log, /hush/i)
  t.notOk(log.includes(saved.json.id), 'no session id')
  t.notOk(log.includes(services.env['SUPABASE_SERVICE_ROLE_KEY'] ?? ''), 'no key')
})

t.test('an unavailable database leaves no password in the log', async (t) => {
  const server = await serve(t, services, {
    DATABASE_URL: 'postgresql://owner:hush-password@127.0.0.1:1/hush-database'
  })
  const response = await fetch(`${server.url}/api/sessions`, {
    headers: { authorization: `Bearer ${token}` }
  })
  t.equal(response.status, 503)
  t.equal(response.headers.get('retry-after'), '5')
  const id = response.headers.get('x-request-id')
  await response.body?.cancel()
  await server.stop()
  t.match(
    server.lines().find(({ level, reqId }) => level === 50 && reqId === id),
    { msg: 'database_unavailable', err: { type: 'ApiError' } }
  )
  t.notMatch(server.raw.join('\n'), /hush/)
})
