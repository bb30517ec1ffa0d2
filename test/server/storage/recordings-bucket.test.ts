import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StorageClient } from '@supabase/storage-js'
import t, { type Test } from 'tap'
import { createStorage } from '../../../src/server/storage/storage.ts'
import { build, SERVICE_KEY, startServices, type Caller } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'
import { expectSound } from '../../helpers/session-state.ts'

const LIMIT_MS = 500
const SLACK_MS = 2000

const services = await startServices(t)
const realUrl = services.env['SUPABASE_URL'] ?? ''
const webm = await fixture('recording.webm')
const recording = { audioBase64: webm.toString('base64') }
const admin = new StorageClient(`${realUrl}/storage/v1`, {
  apikey: SERVICE_KEY,
  authorization: `Bearer ${SERVICE_KEY}`
})

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
  'a server that starts during a storage outage serves other requests, and creates the bucket afterwards',
  { skip: needsServerWithin },
  async (t) => {
    const bucket = 'created-late'
    const lines: string[] = []
    const proxy = await startFaultyProxy(t, realUrl)
    await proxy.refuse()
    const { app, clara } = await start(t, { SUPABASE_URL: proxy.url, SUPABASE_BUCKET: bucket })
    app.log.error = ((_: unknown, text: string) => {
      lines.push(text)
    }) as typeof app.log.error
    t.equal((await clara.save()).statusCode, 201, 'a session without recording')
    t.equal((await clara.list()).json().length, 1)
    isProblem(t, await clara.save(recording), 'storage_unavailable')
    const ready = await app.inject('/readyz')
    t.match(ready, { statusCode: 503 })
    t.match(ready.json(), { status: 'degraded', checks: { database: 'ok', issuer: 'ok' } })
    t.not(ready.json().checks.storage, 'ok')
    await proxy.resume()
    t.equal((await clara.save(recording)).statusCode, 201)
    t.match((await admin.getBucket(bucket)).data, { public: true, file_size_limit: 50 * 1024 ** 2 })
    t.match((await app.inject('/readyz')).json(), { status: 'ready' })
  }
)

t.test('a storage that is down at the start is retried in the background', async (t) => {
  const proxy = await startFaultyProxy(t, realUrl)
  await proxy.refuse()
  await start(t, { SUPABASE_URL: proxy.url, SUPABASE_BUCKET: 'created-in-background' })
  await proxy.resume()
  for (let i = 0; i < 100 && !(await admin.getBucket('created-in-background')).data; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.match((await admin.getBucket('created-in-background')).data, { id: 'created-in-background' })
})

t.test('a save answers 503 while the storage is down, and works again afterwards', async (t) => {
  const { proxy, clara } = await startBehindProxy(t)
  await works(t, clara)
  await proxy.refuse()
  const other = await start(t, { SUPABASE_URL: proxy.url })
  await failsWithoutTrace(t, other.clara)
  await proxy.resume()
  await works(t, other.clara)
})

t.test('saves work again after a restart of the storage', async (t) => {
  const { clara } = await start(t)
  await works(t, clara)
  await services.storage.stop()
  isProblem(t, await clara.save(recording), 'storage_unavailable')
  await services.storage.start()
  await works(t, clara)
})

t.test('a save with an upload of unknown outcome can be repeated at once', async (t) => {
  const { proxy, clara } = await startBehindProxy(t)
  const id = randomUUID()
  const hung = proxy.breakOn('POST /storage/v1/object/', 'hang the answer')
  isProblem(t, await clara.save({ ...recording, id }), 'storage_unavailable')
  await hung
  await proxy.resume()
  t.same((await clara.list()).json(), [])
  t.equal((await clara.save({ ...recording, id })).statusCode, 201, 'the repetition does not wait')
  await expectSound(t, services)
})

t.test('a wrong service key is reported and loses no data', async (t) => {
  const real = await start(t)
  const saved = (await real.clara.save(recording)).json()
  const { app, as, clara } = await start(t, { SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_wrong' })
  await failsWithoutTrace(t, clara)
  isProblem(t, await as(real.clara.sub).remove(saved.id), 'storage_unavailable')
  t.match((await app.inject('/readyz')).statusCode, 503)
  t.equal((await fetch(saved.audioUrl)).status, 200)
})

t.test('the next save creates a deleted bucket again', async (t) => {
  const { clara } = await start(t, { SUPABASE_BUCKET: 'vanishing' })
  t.equal((await clara.save(recording)).statusCode, 201)
  await admin.emptyBucket('vanishing')
  await admin.deleteBucket('vanishing')
  t.equal((await clara.save(recording)).statusCode, 201)
})

const buckets: Array<
  [
    name: string,
    options: { public: boolean; fileSizeLimit?: number; allowedMimeTypes?: string[] },
    check: string,
    status: number
  ]
> = [
  ['private', { public: false }, 'bucket_access_mismatch', 201],
  ['small', { public: true, fileSizeLimit: 1000 }, 'bucket_limit_low', 413],
  ['of-pictures', { public: true, allowedMimeTypes: ['image/*'] }, 'bucket_types_refused', 415],
  ['of-audio', { public: true, allowedMimeTypes: ['audio/*'] }, 'ok', 201]
]

for (const [name, options, check, status] of buckets) {
  t.test(`an existing bucket (${name}) keeps its access, and a mismatch is reported`, async (t) => {
    const bucket = `existing-${name}`
    await admin.createBucket(bucket, options)
    const { app, clara } = await start(t, { SUPABASE_BUCKET: bucket })
    t.match((await app.inject('/readyz')).json().checks, { storage: check })
    t.match((await admin.getBucket(bucket)).data, { public: options.public })
    t.equal((await clara.save(recording)).statusCode, status)
  })
}

t.test('a deletion can be finished after a storage outage', async (t) => {
  const { proxy, clara } = await startBehindProxy(t, { SESSION_LEASE_MS: '1000' })
  const { id } = (await clara.save(recording)).json()
  proxy.hang()
  isProblem(t, await clara.remove(id), 'storage_unavailable')
  t.match((await clara.get(id)).json(), { audioUrl: null }, 'the session stays')
  t.match((await clara.stats()).json(), { streak: 1 })
  await proxy.resume()
  t.equal((await clara.remove(id)).statusCode, 204)
  t.equal((await clara.remove(id)).statusCode, 404)
  t.match((await clara.stats()).json(), { streak: 0 })
})

t.test('a size that the storage does not report is a failure, and a missing object has none', async (t) => {
  const answers = [
    Response.json({ id: 'x' }),
    Response.json({ id: 'x', size: 7 }),
    new Response(null, { status: 404 })
  ]
  const server = createServer(async (_request, response) => {
    const answer = answers.shift()
    response.writeHead(answer?.status ?? 500, { 'content-type': 'application/json' })
    response.end(await answer?.text())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const storage = createStorage(
    {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      serviceKey: 'sb_secret_x',
      bucket: 'songs',
      access: 'public',
      linkSeconds: 60,
      timeoutMs: 30_000
    },
    { maxRecordingBytes: 1 }
  )
  t.teardown(async () => {
    await storage.close()
    server.close()
  })
  await t.rejects(storage.sizeOf('clara/1.webm'), { code: 'storage_unavailable' })
  t.equal(await storage.sizeOf('clara/1.webm'), 7)
  t.equal(await storage.sizeOf('clara/1.webm'), null)
})
