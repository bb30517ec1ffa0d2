import { randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { StorageClient } from '@supabase/storage-js'
import t, { type Test } from 'tap'
import type { Upload } from '../../../../src/contract/recordings.ts'
import type { SessionData } from '../../../../src/contract/sessions.ts'
import type { User } from '../../../../src/contract/users.ts'
import { build, SERVICE_KEY, startServices, type Caller } from '../../../helpers/app.ts'
import { startFaultyProxy } from '../../../helpers/faulty-proxy.ts'
import { isProblem } from '../../../helpers/problem.ts'
import { fixture } from '../../../helpers/recordings.ts'
import { query } from '../../../helpers/scratch-database.ts'
import { expectSound } from '../../../helpers/session-state.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const services = await startServices(t)
const MAX_BYTES = 200_000
const webm = await fixture('recording.webm')

async function start(t: Test, env: NodeJS.ProcessEnv = {}) {
  const { as } = await build(t, { services, env: { MAX_RECORDING_BYTES: String(MAX_BYTES), ...env } })
  const clara = as(`auth0|${randomUUID()}`)
  const { id: userId } = (await clara.sync()).json<User>()
  return { as, clara, userId }
}

const newSession = async (caller: Caller) => (await caller.save()).json<SessionData>().id
const begin = (caller: Caller, id: string, fields: Record<string, unknown> = {}) =>
  caller.call('POST', `/api/sessions/${id}/recording`, {
    contentType: 'audio/webm;codecs=opus',
    bytes: webm.length,
    ...fields
  })
const complete = (caller: Caller, id: string, { uploadId }: Upload) =>
  caller.call('POST', `/api/sessions/${id}/recording/complete`, { uploadId })

const put = ({ url, contentType }: Upload, bytes: Buffer, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'PUT',
    body: new Uint8Array(bytes),
    headers: { 'content-type': contentType, ...headers }
  })

async function uploaded(caller: Caller, id: string, bytes = webm): Promise<Upload> {
  const upload = (await begin(caller, id, { bytes: bytes.length })).json<Upload>()
  const { status } = await put(upload, bytes)
  if (status !== 200) throw new Error(`The storage answered ${status}`)
  return upload
}

const bytesAt = async (url: string | null) => Buffer.from(await (await fetch(url ?? '')).arrayBuffer())

/** Names of the objects of a session in the staging bucket. */
async function staged(userId: string, id: string): Promise<string[]> {
  const client = new StorageClient(`${services.storage.url}/storage/v1`, {
    apikey: SERVICE_KEY,
    authorization: `Bearer ${SERVICE_KEY}`
  })
  const { data } = await client.from('harmony-helper-recordings-staging').list(`${userId}/${id}`)
  return (data ?? []).map(({ name }) => name)
}

t.test(
  'many concurrent completions attach one recording, and a deletion among them leaves nothing',
  async (t) => {
    const { clara } = await start(t)
    for (const isDeleted of [false, true]) {
      const id = await newSession(clara)
      const upload = await uploaded(clara, id)
      const work = Array.from({ length: 5 }, () => complete(clara, id, upload))
      const deletion = isDeleted ? clara.remove(id) : undefined
      const statuses = (await Promise.all(work)).map(({ statusCode }) => statusCode)
      t.strictSame(
        statuses.filter((status) => ![200, ...(isDeleted ? [404] : [])].includes(status)),
        [],
        `${statuses}`
      )
      if (deletion) t.equal((await deletion).statusCode, 204)
      const { rows, objects, leases } = await expectSound(t, services)
      t.equal(rows.filter((row) => row.id === id && row.audio_url).length, isDeleted ? 0 : 1)
      t.equal(objects.filter((key) => key.includes(id)).length, isDeleted ? 0 : 1)
      t.strictSame(
        leases.filter((lease) => lease.session_id === id),
        []
      )
    }
  }
)

t.test('a verification has one time limit for all its requests to a slow storage', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { clara } = await start(t, { SUPABASE_URL: proxy.url, STORAGE_TIMEOUT_MS: '1000' })
  const id = await newSession(clara)
  const upload = await uploaded(clara, id, Buffer.alloc(MAX_BYTES))
  proxy.throttle(500)
  const collecting = setInterval(collectGarbage, 100) // which must not collect the time limit
  isProblem(t, await complete(clara, id, upload), 'storage_unavailable')
  clearInterval(collecting)
  await proxy.resume()
  isProblem(t, await complete(clara, id, upload), 'unsupported_recording')
})

t.test('a completion that lost its lease does not wait for the storage', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { clara } = await start(t, {
    SUPABASE_URL: proxy.url,
    STORAGE_TIMEOUT_MS: '600000',
    SESSION_LEASE_MS: '300'
  })
  const id = await newSession(clara)
  const upload = await uploaded(clara, id)
  const hung = proxy.breakOn('range: bytes', 'hang')
  const losing = complete(clara, id, upload)
  await hung
  await query(services.database.url, `DELETE FROM session_leases WHERE session_id = '${id}'`)
  isProblem(t, await losing, 'session_busy')
  await proxy.resume()
  t.equal((await complete(clara, id, upload)).statusCode, 200, 'the upload is still in staging')
})

t.test('after a removal with an unknown outcome, other requests are answered session_busy', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { clara } = await start(t, {
    SUPABASE_URL: proxy.url,
    STORAGE_TIMEOUT_MS: '1000',
    SESSION_LEASE_MS: '60000'
  })
  const id = await newSession(clara)
  const upload = await uploaded(clara, id)
  const cut = proxy.breakOn('POST /storage/v1/object/copy', 'cut the answer')
  isProblem(t, await complete(clara, id, upload), 'storage_unavailable')
  await cut
  const hung = proxy.breakOn('DELETE /storage/v1/object/harmony-helper-recordings HTTP', 'hang')
  isProblem(t, await complete(clara, id, upload), 'storage_unavailable')
  await hung
  isProblem(t, await complete(clara, id, upload), 'session_busy')
})

const STORAGE_STEPS = [
  'POST /storage/v1/object/move',
  'GET /storage/v1/object/info',
  'range: bytes',
  'POST /storage/v1/object/copy'
]
const DATABASE_STEPS = [
  'INSERT INTO session_leases',
  'FOR UPDATE',
  'UPDATE "public"."sessions"',
  'DELETE FROM session_leases',
  'SET audio_url',
  'COMMIT'
]

for (const fault of ['cut', 'cut the answer'] as const) {
  t.test(`a completion that loses the storage or the database (${fault}) can be repeated`, async (t) => {
    const storageProxy = await startFaultyProxy(t, services.storage.url)
    const databaseProxy = await startFaultyProxy(t, services.database.url)
    const { clara, userId } = await start(t, {
      SUPABASE_URL: storageProxy.url,
      DATABASE_URL: databaseProxy.url,
      SESSION_LEASE_MS: '700'
    })
    const faults = [
      ...STORAGE_STEPS.map((text) => [storageProxy, text] as const),
      ...DATABASE_STEPS.map((text) => [databaseProxy, text] as const)
    ]
    for (const [proxy, text] of faults) {
      const id = await newSession(clara)
      const upload = await uploaded(clara, id)
      const broken = proxy.breakOn(text, fault)
      const first = await complete(clara, id, upload)
      await broken
      t.equal(first.statusCode, 503, text)
      await expectSound(t, services)
      const again = await complete(clara, id, upload)
      t.equal(again.statusCode, 200, text)
      t.ok((await bytesAt(again.json<SessionData>().audioUrl)).equals(webm))
      await complete(clara, id, upload)
      t.strictSame(await staged(userId, id), [], `${text}: nothing is left in staging`)
    }
    await expectSound(t, services)
  })
}
