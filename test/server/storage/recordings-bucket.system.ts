import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { expectSound } from '../../helpers/session-state.ts'
import { until } from '../../helpers/until.ts'

const LIMIT_MS = 500
/** For a busy machine. The default limit is three times as long. */
const SLACK_MS = 10_000

const services = await startServices(t)
const realUrl = services.env['SUPABASE_URL'] ?? ''
const webm = await fixture('recording.webm')
const recording = { audioBase64: webm.toString('base64') }

async function start(t: Test, env: NodeJS.ProcessEnv = {}) {
  const server = await build(t, { services, env: { STORAGE_TIMEOUT_MS: String(LIMIT_MS), ...env } })
  const clara = server.as(`auth0|${randomUUID()}`)
  await clara.sync()
  return { ...server, clara }
}

async function startBehindProxy(t: Test, env: NodeJS.ProcessEnv = {}) {
  const proxy = await startFaultyProxy(t, realUrl)
  return { proxy, ...(await start(t, { SUPABASE_URL: proxy.url, ...env })) }
}

/** Starts a server that takes the storage's place and answers with `answer`. */
async function startImpostor(t: Test, answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function failsWithoutTrace(t: Test, clara: Caller, fields: Record<string, unknown> = recording) {
  const before = await expectSound(t, services)
  const startedAt = performance.now()
  const answer = await clara.save(fields)
  isProblem(t, answer, 'storage_unavailable')
  t.match(answer.headers['retry-after'], /^\d+$/)
  t.notMatch(answer.body, /127\.0\.0\.1|sb_secret|ECONN|html/i)
  t.ok(performance.now() - startedAt < LIMIT_MS + SLACK_MS, 'in time')
  t.same((await clara.list()).json(), [], 'no row')
  t.match((await clara.stats()).json(), { streak: 0, total_minutes: 0 })
  const after = await expectSound(t, services)
  t.same(after.objects, before.objects, 'no object')
}

async function works(t: Test, clara: Caller) {
  const saved = await clara.save(recording)
  t.equal(saved.statusCode, 201)
  const { objects } = await expectSound(t, services)
  t.ok(objects.some((key) => key.includes(saved.json().id)))
}

t.test(
  'a save ends within the time limit when the storage hangs before, within or after the body',
  async (t) => {
    for (const text of ['POST /storage/v1/object/', 'OpusHead']) {
      const { proxy, clara } = await startBehindProxy(t)
      const hung = proxy.breakOn(text, 'hang')
      await failsWithoutTrace(t, clara)
      await hung
      await proxy.refuse() // drops the bytes held back
    }
    const { proxy, clara } = await startBehindProxy(t)
    proxy.hang()
    await failsWithoutTrace(t, clara)
    await proxy.refuse()
  }
)

t.test('a slow upload that makes progress can take longer than the time limit', async (t) => {
  const { proxy, clara } = await startBehindProxy(t, { STORAGE_TIMEOUT_MS: '1000' })
  const bytes = Buffer.concat([webm, Buffer.alloc(24 * 1024 ** 2)])
  proxy.throttle(12 * 1024 ** 2)
  const startedAt = performance.now()
  const saved = await clara.save({ audioBase64: bytes.toString('base64') })
  t.equal(saved.statusCode, 201)
  t.ok(performance.now() - startedAt > 1500, 'it took longer than the limit')
})

const impostors: Array<[string, RequestListener]> = [
  [
    'a proxy answers 502 with HTML',
    (request, response) => {
      request
        .resume()
        .on('end', () =>
          response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>')
        )
    }
  ],
  [
    'it answers everything with 200 and {}',
    (request, response) => {
      request
        .resume()
        .on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
    }
  ],
  [
    'it answers everything with 200 and HTML',
    (request, response) => {
      request.resume().on('end', () => response.writeHead(200).end('<html>Welcome</html>'))
    }
  ],
  [
    'it redirects',
    (request, response) => {
      request.resume().on('end', () => response.writeHead(302, { location: 'https://example.com/' }).end())
    }
  ],
  [
    'it closes the connection',
    (request) => {
      request.socket.destroy()
    }
  ],
  [
    'it fails',
    (request, response) => {
      request
        .resume()
        .on('end', () =>
          response
            .writeHead(500, { 'content-type': 'application/json' })
            .end('{"statusCode":"500","error":"Internal","message":"x"}')
        )
    }
  ]
]

for (const [what, answer] of impostors) {
  t.test(`neither a save nor a deletion succeeds when ${what} in place of the storage`, async (t) => {
    const real = await start(t)
    const saved = (await real.clara.save(recording)).json()
    const url = await startImpostor(t, answer)
    const { as, clara } = await start(t, { SUPABASE_URL: url })
    await failsWithoutTrace(t, clara)
    isProblem(t, await as(real.clara.sub).remove(saved.id), 'storage_unavailable')
    t.equal((await real.clara.get(saved.id)).statusCode, 200, 'the session stays')
    t.equal(
      (await real.clara.remove(saved.id)).statusCode,
      204,
      'repeating the request finishes the deletion'
    )
    await expectSound(t, services)
  })
}

t.test('saves that wait for the storage hold no database connection: the list stays fast', async (t) => {
  const { proxy, as, clara } = await startBehindProxy(t, {
    DATABASE_POOL_SIZE: '5',
    STORAGE_TIMEOUT_MS: '60000'
  })
  const users = Array.from({ length: 30 }, (_, user) => as(`auth0|waiting-${user}`))
  for (const user of users) await user.sync()
  await works(t, clara)
  proxy.hang()
  const saves = users.map((user) => user.save(recording))
  await until(() => proxy.open >= 30)
  const startedAt = performance.now()
  t.equal((await clara.list()).statusCode, 200)
  t.ok(performance.now() - startedAt < 1000)
  await proxy.resume()
  t.strictSame(new Set((await Promise.all(saves)).map(({ statusCode }) => statusCode)), new Set([201]))
  await expectSound(t, services)
})
