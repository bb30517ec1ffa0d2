import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build, startServices } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'
import { runServerCode } from '../../helpers/server-process.ts'

const services = await startServices(t)
const { storage, database } = services
const webm = await fixture('recording.webm')
const audioBase64 = webm.toString('base64')
const PRIVATE = { RECORDINGS_ACCESS: 'private' }

async function start(t: Test, env: NodeJS.ProcessEnv = PRIVATE) {
  const { app, as } = await build(t, { services, env })
  const clara = as(`auth0|${randomUUID()}`)
  await clara.sync()
  return { app, as, clara }
}

const applyAccess = (env: NodeJS.ProcessEnv) =>
  runServerCode(t, 'commands/set-recordings-access', [], { ...services.env, ...env })
const canonicalUrlOf = async (id: string) =>
  (await query<{ url: string }>(database.url, `SELECT audio_url AS url FROM sessions WHERE id = '${id}'`))[0]
    ?.url ?? ''
const isRefused = async (url: string, headers: Record<string, string> = {}) =>
  (await fetch(url, { headers })).status >= 400

t.test(
  'with private access every answer has a signed URL that plays and seeks, and the table has the canonical URL',
  async (t) => {
    t.strictSame(await applyAccess(PRIVATE), {
      code: 0,
      stdout: 'Created the bucket harmony-helper-recordings (private).\n',
      stderr: ''
    })
    const { clara } = await start(t)
    const saved = await clara.save({ audioBase64 })
    const { id, ...session } = saved.json<SessionData>()
    const again = (await clara.save({ id, audioBase64 })).json<SessionData>()
    const found = (await clara.get(id)).json<SessionData>()
    const [row] = (await clara.list()).json<Array<{ audio_url: string }>>()
    const [onPage] = (await clara.list('?limit=1')).json<Array<{ audio_url: string }>>()
    for (const url of [session.audioUrl, again.audioUrl, found.audioUrl, row?.audio_url, onPage?.audio_url]) {
      t.match(url, /\/object\/sign\/harmony-helper-recordings\/.+\.webm\?token=/)
      const response = await fetch(url ?? '', { headers: { range: 'bytes=100-199' } })
      t.match([response.status, response.headers.get('content-type')], [206, 'audio/webm'])
      t.ok(Buffer.from(await response.arrayBuffer()).equals(webm.subarray(100, 200)))
    }
    t.match(await canonicalUrlOf(id), /\/object\/public\/harmony-helper-recordings\/[^?]+\.webm$/)
    t.match((await clara.save()).json(), { audioUrl: null }, 'a session without a recording has no URL')
    t.equal((await clara.list()).json().length, 2)
  }
)

t.test('a private recording cannot be read without a valid URL for this recording', async (t) => {
  const { app, as, clara } = await start(t)
  const robert = as(`auth0|${randomUUID()}`)
  await robert.sync()
  const [mine, theirs] = await Promise.all(
    [clara, robert].map(async (who) => (await who.save({ audioBase64 })).json<SessionData>())
  )
  const link = mine?.audioUrl ?? ''
  const url = await canonicalUrlOf(mine?.id ?? '')
  const key = url.split('/').slice(-2).join('/')
  t.equal((await fetch(link)).status, 200)
  t.ok(await isRefused(url), 'the public URL')
  for (const place of ['object', 'object/authenticated', 'object/sign']) {
    t.ok(await isRefused(url.replace('object/public', place)), place)
  }
  t.ok(
    await isRefused(url.replace('/public/', '/'), {
      authorization: `Bearer ${services.issuer.token(robert.sub)}`
    }),
    "another user's access token"
  )
  const token = new URL(theirs?.audioUrl ?? '').searchParams.get('token')
  t.ok(await isRefused(link.replace(/token=.*/, `token=${token}`)), "another recording's signature")
  t.ok(await isRefused(`${link.slice(0, -2)}AA`), 'a changed signature')
  const [[, shortLived] = []] = await app.storage.signUrls([key], 1)
  t.equal((await fetch(shortLived ?? '')).status, 200)
  await pause(2100)
  t.ok(await isRefused(shortLived ?? ''), 'an expired URL')
  isProblem(t, await robert.get(mine?.id ?? ''), 'session_not_found')
})

t.test('without the storage, answers with recordings are 503 and all others succeed', async (t) => {
  const { as, clara } = await start(t)
  const robert = as(`auth0|${randomUUID()}`)
  await robert.sync()
  await robert.save()
  const { id } = (await clara.save({ audioBase64 })).json<SessionData>()
  await storage.stop()
  isProblem(t, await clara.get(id), 'storage_unavailable')
  isProblem(t, await clara.list(), 'storage_unavailable')
  t.equal((await clara.stats()).statusCode, 200)
  t.equal((await robert.list()).json().length, 1)
  t.equal((await robert.save()).statusCode, 201)
  await storage.start()
  t.equal((await clara.list()).statusCode, 200)
})

t.test('a bucket with another access than configured is reported', async (t) => {
  const { app } = await start(t, {})
  const { checks } = (await app.inject('/readyz')).json()
  t.equal(checks.storage, 'bucket_access_mismatch')
})

t.test('reads that wait for signed URLs hold up no other request', async (t) => {
  const proxy = await startFaultyProxy(t, storage.url)
  const { clara } = await start(t, {
    ...PRIVATE,
    SUPABASE_URL: proxy.url,
    STORAGE_TIMEOUT_MS: '2000',
    DATABASE_POOL_SIZE: '2'
  })
  t.equal((await clara.save({ audioBase64 })).statusCode, 201)
  let isAnswered = false
  const reads = []
  for (let count = 0; count < 2; count++) {
    // as many as one user may have at work
    const isHung = proxy.breakOn('POST /storage/v1/object/sign/', 'hang')
    reads.push(clara.list())
    await isHung
  }
  Promise.race(reads).finally(() => (isAnswered = true))
  t.equal((await clara.stats()).statusCode, 200)
  t.notOk(isAnswered, 'the reads are still waiting')
  for (const response of await Promise.all(reads)) isProblem(t, response, 'storage_unavailable')
  await proxy.resume()
})
