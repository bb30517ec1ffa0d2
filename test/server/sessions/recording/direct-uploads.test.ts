import { randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
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
import { createTus } from '../../../helpers/tus.ts'

setFlagsFromString('--expose-gc')

const services = await startServices(t)
const MAX_BYTES = 200_000
const webm = await fixture('recording.webm')
const other = Buffer.concat([webm, Buffer.from([0xec, 0x84, 1, 2, 3, 4])])

const limited = { MAX_RECORDING_BYTES: String(MAX_BYTES) }
const shared = await build(t, { services, env: limited })

/** A new user, of an app with its own environment or of the one that the tests share. */
async function start(t: Test, env?: NodeJS.ProcessEnv) {
  const { as } = env ? await build(t, { services, env: { ...limited, ...env } }) : shared
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
const removeRecording = (caller: Caller, id: string) => caller.call('DELETE', `/api/sessions/${id}/recording`)

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
  'a recording is sent to the storage directly and attached to the session once it is verified',
  async (t) => {
    const { clara, userId } = await start(t)
    const id = await newSession(clara)
    const begun = await begin(clara, id)
    t.equal(begun.statusCode, 201)
    const upload = begun.json<Upload>()
    t.match(upload, {
      contentType: 'audio/webm',
      bucket: 'harmony-helper-recordings-staging',
      path: `${userId}/${id}/${upload.uploadId}`,
      resumableUrl: `${services.storage.url}/storage/v1/upload/resumable/sign`
    })
    const life = Date.parse(upload.expiresAt) - Date.now()
    t.ok(life > 3_600_000 && life <= 7_200_000, `${life} ms`)
    t.equal((await put(upload, webm)).status, 200)
    t.equal((await clara.get(id)).json().audioUrl, null, 'not before it is complete')
    t.not(
      (await fetch(upload.url.replace('/upload/sign/', '/public/').replace(/\?.*/, ''))).status,
      200,
      'an unverified recording is not public'
    )

    const completed = await complete(clara, id, upload)
    t.equal(completed.statusCode, 200)
    const { audioUrl } = completed.json<SessionData>()
    t.match(audioUrl, new RegExp(`/object/public/harmony-helper-recordings/${userId}/${id}\\.webm$`))
    const played = await fetch(audioUrl ?? '')
    t.equal(played.headers.get('content-type'), 'audio/webm')
    t.ok(Buffer.from(await played.arrayBuffer()).equals(webm))
    t.equal((await clara.list()).json()[0].audio_url, audioUrl)
    t.strictSame(await staged(userId, id), [])

    t.strictSame((await complete(clara, id, upload)).json(), completed.json(), 'repeating it changes nothing')
    await expectSound(t, services)
  }
)

t.test('saving the session again without a recording, as before, counts as a repetition', async (t) => {
  const { clara } = await start(t)
  const id = randomUUID()
  await clara.save({ id })
  await complete(clara, id, await uploaded(clara, id))
  const again = await clara.save({ id })
  t.match([again.statusCode, again.json()], [200, { audioUrl: /\.webm$/ }])
  isProblem(t, await clara.save({ id, audioBase64: webm.toString('base64') }), 'id_reused')
})

t.test('a late second PUT changes nothing that was verified', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { clara } = await start(t, { SUPABASE_URL: proxy.url })
  const id = await newSession(clara)
  const upload = (await begin(clara, id)).json<Upload>()
  const direct = {
    ...upload,
    url: upload.url.replace(new URL(proxy.url).host, new URL(services.storage.url).host)
  }
  await put(direct, webm)
  const hung = proxy.breakOn('POST /storage/v1/object/copy', 'hang')
  const completing = complete(clara, id, upload)
  await hung
  t.equal((await put(direct, other)).status, 200, 'the storage accepts it')
  await proxy.resume()
  const { audioUrl } = (await completing).json<SessionData>()
  const path = new URL(audioUrl ?? '').pathname
  t.ok((await bytesAt(`${services.storage.url}${path}`)).equals(webm))
  await put(direct, other)
  t.ok((await bytesAt(`${services.storage.url}${path}`)).equals(webm))
  t.equal((await complete(clara, id, upload)).statusCode, 200, 'what was attached stays attached')
  t.ok((await bytesAt(`${services.storage.url}${path}`)).equals(webm))
})

t.test(
  'an upload that fails verification is removed, and the session stays without a recording',
  async (t) => {
    const { clara, userId } = await start(t)
    const id = await newSession(clara)
    const image = await fixture('image.png')
    const attempts: Array<
      [
        what: string,
        announced: Record<string, unknown>,
        bytes: Buffer,
        headers: Record<string, string>,
        code: Parameters<typeof isProblem>[2]
      ]
    > = [
      ['no recording at all', { bytes: image.length }, image, {}, 'unsupported_recording'],
      ['shorter than announced', { bytes: webm.length + 1 }, webm, {}, 'upload_incomplete'],
      ['longer than announced', { bytes: webm.length - 1 }, webm, {}, 'upload_incomplete'],
      ['another format than announced', { contentType: 'audio/mpeg' }, webm, {}, 'unsupported_recording']
    ]
    for (const [what, announced, bytes, headers, code] of attempts) {
      const upload = (await begin(clara, id, announced)).json<Upload>()
      t.equal((await put(upload, bytes, headers)).status, 200, what)
      isProblem(t, await complete(clara, id, upload), code)
      t.strictSame(await staged(userId, id), [], what)
      isProblem(t, await complete(clara, id, upload), 'upload_incomplete')
    }
    t.equal((await clara.get(id)).json().audioUrl, null)
    t.equal(
      (await complete(clara, id, await uploaded(clara, id))).statusCode,
      200,
      'a valid recording is accepted afterwards'
    )
  }
)

t.test(
  'storage-js completes an upload with its defaults, and the recording is cached as an inline one',
  async (t) => {
    const { clara } = await start(t)
    const inline = (await clara.save({ audioBase64: webm.toString('base64') })).json<SessionData>()
    const bodies: Array<
      [what: string, body: Blob | Buffer, options?: { contentType?: string; cacheControl?: string }]
    > = [
      ['a Blob of a recorder', new Blob([new Uint8Array(webm)], { type: 'audio/webm;codecs=opus' })],
      ['a Blob without a type', new Blob([new Uint8Array(webm)])],
      ['bytes', webm],
      ['bytes that are to be cached for long', webm, { cacheControl: '31536000' }],
      ['bytes with a type', webm, { contentType: 'audio/webm' }],
      ['bytes as the answer says', webm, { contentType: 'audio/webm', cacheControl: 'of the answer' }]
    ]
    for (const [what, body, options] of bodies) {
      const id = await newSession(clara)
      const upload = (await begin(clara, id)).json<Upload>()
      t.equal(upload.cacheControl, '60')
      const { error } = await new StorageClient(`${services.storage.url}/storage/v1`)
        .from(upload.bucket)
        .uploadToSignedUrl(upload.path, upload.token, body, {
          ...options,
          ...(options?.cacheControl === 'of the answer' && { cacheControl: upload.cacheControl })
        })
      t.equal(error, null, what)
      const completed = await complete(clara, id, upload)
      t.equal(completed.statusCode, 200, what)
      const [direct, saved] = await Promise.all(
        [completed.json<SessionData>(), inline].map(({ audioUrl }) =>
          fetch(audioUrl ?? '', { method: 'HEAD' })
        )
      )
      for (const name of ['cache-control', 'content-type', 'content-length']) {
        t.equal(direct?.headers.get(name), saved?.headers.get(name), `${name} of ${what}`)
      }
      t.equal(direct?.headers.get('cache-control'), 'max-age=60')
    }
  }
)

t.test('the format is detected wherever in the recording it appears', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  const tagBytes = 100_000 // for example cover art between the header and the audio
  const tag = Buffer.concat([
    Buffer.from('ID3\x04\0\0'),
    Buffer.from([21, 14, 7, 0].map((shift) => (tagBytes >> shift) & 0x7f)),
    Buffer.alloc(tagBytes)
  ])
  const mp3 = Buffer.concat([tag, await fixture('recording-no-id3.mp3')])
  const upload = (await begin(clara, id, { contentType: 'audio/mp3', bytes: mp3.length })).json<Upload>()
  t.equal(upload.contentType, 'audio/mpeg')
  await put(upload, mp3)
  t.match((await complete(clara, id, upload)).json(), { audioUrl: /\.mp3$/ })
})

t.test('a raised limit applies to direct uploads, too', async (t) => {
  const { clara } = await start(t)
  await begin(clara, await newSession(clara)) // creates the bucket
  const { clara: robert } = await start(t, { MAX_RECORDING_BYTES: String(2 * MAX_BYTES) })
  const id = await newSession(robert)
  const long = Buffer.concat([webm, Buffer.alloc(MAX_BYTES)])
  t.equal((await complete(robert, id, await uploaded(robert, id, long))).statusCode, 200)
})

t.test('an upload that cannot become a recording is refused before it begins', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  for (const contentType of ['image/png', 'audio/aac', 'webm', 'audio/webm2', 'text/html;audio/webm']) {
    isProblem(t, await begin(clara, id, { contentType }), 'unsupported_recording')
  }
  isProblem(t, await begin(clara, id, { bytes: MAX_BYTES + 1 }), 'recording_too_large')
  for (const bytes of [0, -1, 1.5, '100', null, 1e300]) {
    isProblem(t, await begin(clara, id, { bytes }), 'invalid_input', '/bytes')
  }
  for (const contentType of ['', 7, null, 'audio/\u0000', 'x'.repeat(201)]) {
    isProblem(t, await begin(clara, id, { contentType }), 'invalid_input', '/contentType')
  }
  for (const uploadId of [
    '',
    'x',
    null,
    `${randomUUID()}-0`,
    `${randomUUID()}/../x-1`,
    `${randomUUID()}-1-sealed`
  ]) {
    isProblem(
      t,
      await clara.call('POST', `/api/sessions/${id}/recording/complete`, { uploadId }),
      'invalid_input',
      '/uploadId'
    )
  }
  isProblem(t, await complete(clara, id, (await begin(clara, id)).json()), 'upload_incomplete')
  await complete(clara, id, await uploaded(clara, id))
  isProblem(t, await begin(clara, id), 'recording_exists')
})

t.test(
  'uploads and deletions for a missing session, or one of another user, answer session_not_found',
  async (t) => {
    const { as, clara } = await start(t)
    const robert = as(`auth0|${randomUUID()}`)
    await robert.sync()
    const id = await newSession(clara)
    const upload = await uploaded(clara, id)
    for (const target of [id, randomUUID()]) {
      isProblem(t, await begin(robert, target), 'session_not_found')
      isProblem(t, await complete(robert, target, upload), 'session_not_found')
      isProblem(t, await removeRecording(robert, target), 'session_not_found')
    }
    isProblem(t, await complete(robert, await newSession(robert), upload), 'upload_not_found')
    t.equal((await complete(clara, id, upload)).statusCode, 200)
  }
)

t.test('a recording can be deleted alone and replaced', async (t) => {
  const { clara } = await start(t)
  const { id, audioUrl } = (await clara.save({ audioBase64: webm.toString('base64') })).json<SessionData>()
  t.equal((await removeRecording(clara, id)).statusCode, 204)
  t.not((await fetch(audioUrl ?? '')).status, 200)
  t.match((await clara.get(id)).json(), { id, audioUrl: null })
  t.equal((await removeRecording(clara, id)).statusCode, 204, 'repeating the deletion succeeds')
  const { audioUrl: next } = (await complete(clara, id, await uploaded(clara, id, other))).json<SessionData>()
  t.ok((await bytesAt(next)).equals(other))
  t.equal((await clara.remove(id)).statusCode, 204)
  t.not((await fetch(next ?? '')).status, 200, 'the recording is deleted with its session')
  const { rows, objects } = await expectSound(t, services)
  t.notOk([...rows.map((row) => row.id), ...objects].some((text) => text.includes(id)))
})

t.test('a completion that lost its lease does not touch the recording of another request', async (t) => {
  const storageProxy = await startFaultyProxy(t, services.storage.url)
  const databaseProxy = await startFaultyProxy(t, services.database.url)
  const { as, clara } = await start(t, { SESSION_LEASE_MS: '300' })
  const slow = await build(t, {
    services,
    env: {
      MAX_RECORDING_BYTES: String(MAX_BYTES),
      SUPABASE_URL: storageProxy.url,
      DATABASE_URL: databaseProxy.url,
      SESSION_LEASE_MS: '300'
    }
  })
  const id = await newSession(clara)
  const first = await uploaded(clara, id)
  const hung = storageProxy.breakOn('POST /storage/v1/object/copy', 'hang')
  const losing = complete(slow.as(clara.sub), id, first)
  await hung
  databaseProxy.hang() // so that it cannot renew its lease
  const second = await uploaded(clara, id, other)
  const { audioUrl } = (await complete(as(clara.sub), id, second)).json<SessionData>()
  await databaseProxy.resume()
  await storageProxy.resume()
  isProblem(t, await losing, 'session_busy')
  t.ok((await bytesAt(audioUrl)).equals(other))
  await expectSound(t, services)
})

t.test('a completion is refused if another upload was attached in its place', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { clara } = await start(t, { SUPABASE_URL: proxy.url, SESSION_LEASE_MS: '700' })
  const id = await newSession(clara)
  const first = await uploaded(clara, id)
  proxy.breakOn('POST /storage/v1/object/copy', 'cut')
  isProblem(t, await complete(clara, id, first), 'storage_unavailable')
  const second = await uploaded(clara, id, other)
  t.equal((await complete(clara, id, second)).statusCode, 200)
  isProblem(t, await complete(clara, id, first), 'upload_not_found')
  t.equal((await complete(clara, id, second)).statusCode, 200)
})

t.test('an upload that is replaced during its completion is refused, and the new size counts', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { as, clara } = await start(t)
  const slow = await build(t, { services, env: { SUPABASE_URL: proxy.url } })
  const sizes = async (id: string) =>
    query(
      services.database.url,
      `SELECT recording_bytes::int, recordings_bytes::int FROM sessions s JOIN users u ON u.id = user_id
       WHERE s.id = '${id}'`
    )
  for (const step of ['move', 'copy']) {
    await t.test(`replaced before the ${step} ends`, async (t) => {
      const id = await newSession(clara)
      const first = await uploaded(clara, id)
      const hung = proxy.breakOn(`POST /storage/v1/object/${step}`, 'hang')
      const completing = complete(slow.as(clara.sub), id, first)
      await hung
      const second = await uploaded(as(clara.sub), id, other)
      await proxy.resume()
      isProblem(t, await completing, 'upload_not_found')
      const { objects } = await expectSound(t, services)
      t.strictSame(
        objects.filter((key) => key.includes(id)),
        [],
        'what was published is removed'
      )
      const stored = { recording_bytes: other.length, recordings_bytes: other.length }
      t.strictSame(await sizes(id), [stored])
      const { audioUrl } = (await complete(clara, id, second)).json<SessionData>()
      t.ok((await bytesAt(audioUrl)).equals(other))
      t.strictSame(await sizes(id), [stored])
      await clara.remove(id)
    })
  }
})

t.test('a new upload replaces the open one, and only the last one can be completed', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  const [first, second] = [await uploaded(clara, id), await uploaded(clara, id, other)]
  isProblem(t, await complete(clara, id, first), 'upload_not_found')
  const unknown = { ...second, uploadId: `${randomUUID()}-${other.length}` }
  isProblem(t, await complete(clara, id, unknown), 'upload_not_found')
  const { audioUrl } = (await complete(clara, id, second)).json<SessionData>()
  t.ok((await bytesAt(audioUrl)).equals(other))
  for (const upload of [first, unknown]) {
    isProblem(t, await complete(clara, id, upload), 'upload_not_found')
  }
  t.equal((await complete(clara, id, second)).statusCode, 200)
  t.equal((await removeRecording(clara, id)).statusCode, 204)
  isProblem(t, await complete(clara, id, second), 'upload_not_found')
})

t.test('a recording that was saved with its session is not taken for an upload', async (t) => {
  const { clara } = await start(t)
  const { id } = (await clara.save({ audioBase64: webm.toString('base64') })).json<SessionData>()
  const uploadId = `${randomUUID()}-${webm.length}`
  const response = await clara.call('POST', `/api/sessions/${id}/recording/complete`, { uploadId })
  isProblem(t, response, 'upload_not_found')
})

t.test('with its uploadId, the token of the open upload is renewed', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  const begun = (await begin(clara, id)).json<Upload>()
  const renewed = await begin(clara, id, { uploadId: begun.uploadId.toUpperCase() })
  t.equal(renewed.statusCode, 201)
  const upload = renewed.json<Upload>()
  t.match(upload, { uploadId: begun.uploadId, path: begun.path })
  t.equal((await put(upload, other)).status, 200)
  t.equal((await put(upload, webm)).status, 200, 'it replaces what has arrived')
  t.match((await begin(clara, id, { uploadId: begun.uploadId })).json(), { uploadId: begun.uploadId })
  t.equal((await complete(clara, id, begun)).statusCode, 200)
  isProblem(t, await begin(clara, id, { uploadId: begun.uploadId }), 'recording_exists')
})

t.test('deleting the recording of a session ends its open upload', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  const upload = await uploaded(clara, id)
  t.equal((await removeRecording(clara, id)).statusCode, 204)
  isProblem(t, await complete(clara, id, upload), 'upload_not_found')
  isProblem(t, await begin(clara, id, { uploadId: upload.uploadId }), 'upload_not_found')
})

t.test('only the open upload can be renewed, and only as it was announced', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  const unknown = `${randomUUID()}-${webm.length}`
  isProblem(t, await begin(clara, id, { uploadId: unknown }), 'upload_not_found')
  const [first, second] = [(await begin(clara, id)).json<Upload>(), (await begin(clara, id)).json<Upload>()]
  isProblem(t, await begin(clara, id, { uploadId: first.uploadId }), 'upload_not_found')
  const { uploadId } = second
  isProblem(t, await begin(clara, id, { uploadId, bytes: webm.length + 1 }), 'invalid_input', '/bytes')
  for (const wrong of ['', 'x', 7, null]) {
    isProblem(t, await begin(clara, id, { uploadId: wrong }), 'invalid_input', '/uploadId')
  }
  t.equal((await begin(clara, id, { uploadId })).statusCode, 201)
})

t.test('a recording arrives in pieces by TUS, with a token that was renewed in between', async (t) => {
  const { clara, userId } = await start(t)
  const id = await newSession(clara)
  const begun = (await begin(clara, id)).json<Upload>()
  const tus = ({ resumableUrl, token }: Upload) => createTus(resumableUrl, { 'x-signature': token })
  const created = await tus(begun).create(webm.length, {
    bucketName: begun.bucket,
    objectName: begun.path,
    contentType: begun.contentType,
    cacheControl: '60'
  })
  t.equal(created.status, 201)
  const url = `${created.headers.get('location')}`
  t.equal((await tus(begun).append(url, 0, webm.subarray(0, 6000))).status, 204)
  isProblem(t, await complete(clara, id, begun), 'upload_incomplete')
  t.strictSame(await staged(userId, id), [])
  const renewed = (await begin(clara, id, { uploadId: begun.uploadId })).json<Upload>()
  t.equal((await tus(renewed).offset(url)).headers.get('upload-offset'), '6000')
  t.equal((await tus(renewed).append(url, 6000, webm.subarray(6000))).headers.get('tus-complete'), '1')
  const { audioUrl } = (await complete(clara, id, begun)).json<SessionData>()
  t.ok((await bytesAt(audioUrl)).equals(webm))
})

t.test('an upload that the previous release began, which stores no uploadId, can be completed', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  const upload = await uploaded(clara, id)
  const forget = () => query(services.database.url, `UPDATE sessions SET upload_id = NULL WHERE id = '${id}'`)
  await forget()
  t.equal((await complete(clara, id, upload)).statusCode, 200)
  await forget()
  t.equal((await complete(clara, id, upload)).statusCode, 200)
})

t.test('beginning an upload does not change the revision of the session', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  const revision = async () =>
    (await query(services.database.url, `SELECT revision FROM sessions WHERE id = '${id}'`))[0]?.['revision']
  const before = await revision()
  const upload = await uploaded(clara, id)
  t.equal(await revision(), before)
  await complete(clara, id, upload)
  t.not(await revision(), before)
})

t.test('deleting a recording that does not exist does not change the revision', async (t) => {
  const { clara } = await start(t)
  const id = await newSession(clara)
  const tag = async () => (await clara.get(id)).headers['etag']
  const before = await tag()
  t.equal((await removeRecording(clara, id)).statusCode, 204)
  t.equal(await tag(), before)
})

t.test('a completed upload is answered with an edit that was made while it was verified', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { clara } = await start(t, { SUPABASE_URL: proxy.url })
  for (const xmlContent of [undefined, '<score/>'.repeat(60_000)]) {
    const id = await newSession(clara)
    const upload = await uploaded(clara, id)
    const isHung = proxy.breakOn('POST /storage/v1/object/copy', 'hang')
    const completing = complete(clara, id, upload)
    await isHung
    await clara.call('PATCH', `/api/sessions/${id}`, {
      songName: 'Another',
      ...(xmlContent && { xmlContent })
    })
    await proxy.resume()
    const completed = await completing
    t.match(completed.json(), { songName: 'Another', audioUrl: /\.webm$/ })
    t.equal(completed.json<SessionData>().xmlContent, xmlContent ?? null)
    const found = await clara.get(id)
    t.equal(completed.headers['etag'], found.headers['etag'])
    t.strictSame(completed.json(), found.json())
  }
})

t.test('a completed upload is confirmed although its URL cannot be signed', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { clara } = await start(t, {
    RECORDINGS_ACCESS: 'private',
    SUPABASE_URL: proxy.url,
    STORAGE_TIMEOUT_MS: '2000'
  })
  const id = await newSession(clara)
  const upload = await uploaded(clara, id)
  const isHung = proxy.breakOn('POST /storage/v1/object/sign/', 'hang')
  const completing = complete(clara, id, upload)
  await isHung
  t.match(await completing, { statusCode: 200 })
  await proxy.resume()
  t.match((await clara.get(id)).json(), { audioUrl: /\/object\/sign\// })
})
