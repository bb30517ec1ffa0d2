import { hash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { ImportSummary } from '../../../src/contract/users.ts'
import { build, startServices, type Caller, type Services } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture, largeScore } from '../../helpers/recordings.ts'
import { until } from '../../helpers/until.ts'
import { unzip } from '../../helpers/unzip.ts'
import { zip, type ZipFile } from '../../helpers/zip.ts'

const here = await startServices(t)
const elsewhere = await startServices(t)
const recording = await fixture('recording.webm')
const audioBase64 = recording.toString('base64')

async function account(t: Test, services: Services, env: NodeJS.ProcessEnv = {}) {
  const server = await build(t, { services, env })
  const who = server.as(`auth0|${randomUUID()}`)
  await who.sync()
  return { ...server, who }
}

const exported = async (who: Caller) => (await who.call('GET', '/api/users/me/export')).rawPayload

function send(app: Awaited<ReturnType<typeof build>>['app'], who: Caller, archive: Buffer) {
  const headers = { ...who.headers(), 'content-type': 'application/zip' }
  return app.inject({ method: 'POST', url: '/api/users/me/import', headers, payload: archive })
}

/** The files of an archive that do not name the account. */
const contentOf = (archive: Buffer) =>
  [...unzip(archive)]
    .filter(([path]) => path.startsWith('sessions/'))
    .map(([path, content]) => {
      const text = content.toString('latin1').replace(/"audioUrl":"[^"]*"/, '"audioUrl":"…"')
      return `${path} ${hash('sha256', text)}`
    })

t.test('an account that is exported and imported on another server has the same content', async (t) => {
  const old = await account(t, here)
  await old.who.save({ date: '2026-11-01T09:00:00Z' })
  await old.who.save({ date: '2026-11-02T09:00:00Z', audioBase64, xmlContent: largeScore(3_000_000) })
  await old.who.save({
    songName: 'Für Elise "1"',
    duration: 61,
    date: '2026-11-22T23:30:00.123Z',
    notes: 'slow\ndown',
    audioBase64: (await fixture('recording.mp3')).toString('base64'),
    xmlContent: '<score/>',
    analysis: { summary: 'Steady', feedback: 'Mind bar 12', scoreAccuracy: 0, markedXml: '<marked/>' }
  })
  const archive = await exported(old.who)

  const other = await account(t, elsewhere)
  const first = await send(other.app, other.who, archive)
  t.equal(first.statusCode, 200)
  t.strictSame(first.json<ImportSummary>(), {
    imported: 3,
    already_there: 0,
    refused: 0,
    recordings_missing: 0,
    problems: []
  })
  t.strictSame(contentOf(await exported(other.who)), contentOf(archive))
  const figures = (await old.who.call('GET', '/api/users/me')).json()
  t.match((await other.who.call('GET', '/api/users/me')).json(), {
    session_count: 3,
    total_minutes: figures.total_minutes,
    text_bytes: figures.text_bytes,
    recordings_bytes: figures.recordings_bytes
  })

  const { id } = (await other.who.list()).json()[0]
  await other.who.call('PATCH', `/api/sessions/${id}`, { notes: 'edited since' })
  t.match((await send(other.app, other.who, archive)).json(), { imported: 0, already_there: 3, refused: 0 })
  t.equal((await other.who.get(id)).json().notes, 'edited since', 'a session that exists is left')
  isProblem(t, await send(other.app, other.as('auth0|nobody'), archive), 'user_not_synced')
})

type Changes = { session?: Record<string, unknown> | string; files?: ZipFile[]; folder?: string }

const digestOf = (content: string | Buffer) => hash('sha256', content)

/** The folder of a session with a recording and a score. `files` replaces files that the folder has. */
function folder({ session = {}, files = [], folder }: Changes = {}): ZipFile[] {
  const id = randomUUID()
  const place = folder ?? `sessions/2026-11-22_${id}`
  const contents: ZipFile[] = [
    { path: 'recording.webm', content: recording },
    { path: 'score.musicxml', content: '<score/>' }
  ]
  const listed = contents.map(({ path, content = '' }) => ({
    path,
    bytes: content.length,
    sha256: digestOf(content)
  }))
  const described = {
    id,
    date: '2026-11-22T18:03:00.000Z',
    songName: 'Ode to Joy',
    instrument: 'Piano',
    durationSeconds: 60,
    xmlContent: '<score/>',
    notes: null,
    analysis: null,
    audioUrl: 'https://old.example/recording.webm',
    files: listed
  }
  const json = typeof session === 'string' ? session : JSON.stringify({ ...described, ...session })
  const all = [...contents, { path: 'session.json', content: json }]
  const kept = all.filter(({ path }) => !files.some((file) => file.path === path))
  return [...kept, ...files]
    .filter(({ content }) => content !== 'absent')
    .map((file) => ({ ...file, path: `${place}/${file.path}` }))
}

const manifest = (sessions: number, version = 2): ZipFile => ({
  path: 'manifest.json',
  content: `{"format":"harmony-helper-export","version":${version},"session_count":${sessions},\n"files":[]}`
})

t.test(
  'a session that cannot be saved is refused with its reason, and the others are imported',
  async (t) => {
    const { app, who, as } = await account(t, here)
    const other = as(`auth0|${randomUUID()}`)
    await other.sync()
    const { id: taken } = (await other.save()).json<{ id: string }>()
    const refused: Record<string, [Changes, code: string, detail: RegExp]> = {
      'another digest': [
        { files: [{ path: 'score.musicxml', content: '<SCORE/>' }] },
        'invalid_archive',
        /damaged at the file .*score/
      ],
      'a missing recording': [
        { files: [{ path: 'recording.webm', content: 'absent' }] },
        'invalid_archive',
        /recording.webm is missing/
      ],
      'a file that is not listed': [
        { session: { files: [] } },
        'invalid_archive',
        /does not list .*recording.webm/
      ],
      'a missing session.json': [
        { files: [{ path: 'session.json', content: 'absent' }] },
        'invalid_archive',
        /session.json is missing/
      ],
      'a file twice': [{ files: [{ path: 'recording.mp3', content: 'x' }] }, 'invalid_archive', /twice/],
      'no list of files': [{ session: { files: 'all' } }, 'invalid_input', /files must be array/],
      'broken JSON': [{ session: '{"id":' }, 'malformed_body', /JSON ends early, at position 6/],
      'no JSON at all': [{ session: '' }, 'malformed_body', /well-formed JSON/],
      'an invalid member': [{ session: { durationSeconds: -1 } }, 'invalid_input', /duration must be >= 0/],
      'too many values': [{ session: `[${'[],'.repeat(260_000)}0]` }, 'body_too_large', /too much text/],
      'another id than its folder': [{ session: { id: taken } }, 'invalid_archive', /another id than/],
      'the id of a session of somebody else': [
        { session: { id: taken }, folder: `sessions/2026-11-22_${taken}` },
        'id_reused',
        /another/i
      ],
      'a recording that is none': [
        {
          session: { files: [{ path: 'recording.webm', bytes: 4, sha256: digestOf('text') }] },
          files: [
            { path: 'recording.webm', content: 'text' },
            { path: 'score.musicxml', content: 'absent' }
          ]
        },
        'unsupported_recording',
        /must be WebM/
      ]
    }
    const archive = zip([
      ...Object.values(refused).flatMap(([changes]) => folder(changes)),
      ...folder(),
      { path: '__MACOSX/sessions/._session.json' },
      manifest(Object.keys(refused).length + 1)
    ])
    const response = await send(app, who, archive)
    t.equal(response.statusCode, 200, response.body)
    const summary = response.json<ImportSummary>()
    t.match(summary, { imported: 1, already_there: 0, refused: Object.keys(refused).length })
    for (const [i, [name, [, code, detail]]] of Object.entries(refused).entries()) {
      t.match(summary.problems[i], { code, detail }, name)
    }
    t.equal((await who.list()).json().length, 1)
    t.equal((await who.call('GET', '/api/users/me')).json().recordings_bytes, recording.length)
  }
)

t.test('an archive that was unpacked and packed again is imported', async (t) => {
  const { app, who } = await account(t, here)
  const files = [manifest(2), ...folder().reverse(), ...folder().reverse()]
  const archive = zip(files.map((file) => ({ ...file, path: `My export/${file.path}`, sums: 'header' })))
  t.match((await send(app, who, archive)).json(), { imported: 2, refused: 0 })
})

t.test('a session whose files are apart in the archive counts once', async (t) => {
  const { app, who } = await account(t, here)
  const extensionOf = ({ path }: ZipFile) => `${path}`.split('.').at(-1) ?? ''
  const [small, large] = [folder({ session: { files: [], xmlContent: null } }).slice(-1), folder()]
  const sorted = [...small, ...large, ...folder(), ...folder()].sort((a, b) =>
    extensionOf(a) < extensionOf(b) ? -1 : 1
  )
  const archive = zip([...sorted, manifest(4)])
  const summary = (await send(app, who, archive)).json<ImportSummary>()
  t.match(summary, { imported: 1, already_there: 0, refused: 3, recordings_missing: 1 })
  t.equal(summary.problems.length, 3)
  for (const { detail } of summary.problems) t.match(detail, /files of a folder must stay together/)
  isProblem(t, await send(app, who, zip([...sorted, manifest(5)])), 'invalid_archive')

  t.match((await send(app, who, zip([...large, manifest(1)]))).json(), { imported: 1 })
  t.match((await send(app, who, archive)).json(), { imported: 0, already_there: 2, refused: 2 })
})

t.test('a session that is refused, and whole later in the archive, is imported', async (t) => {
  const { app, who } = await account(t, here)
  const files = folder()
  const archive = zip([...files.slice(0, 1), ...folder(), ...files, manifest(2)])
  t.match((await send(app, who, archive)).json(), {
    imported: 2,
    already_there: 0,
    refused: 0,
    problems: { length: 0 }
  })
})

t.test('a recording that was lost before the export is told', async (t) => {
  const { app, who } = await account(t, here)
  const lost = folder({
    session: { files: [], xmlContent: null },
    files: ['recording.webm', 'score.musicxml'].map((path) => ({ path, content: 'absent' }))
  })
  t.match((await send(app, who, zip([...lost, manifest(1)]))).json(), { imported: 1, recordings_missing: 1 })
})

t.test('the quotas of the account apply', async (t) => {
  const { app, who } = await account(t, here, { QUOTA_SESSIONS: '2' })
  const archive = zip([...folder(), ...folder(), ...folder(), manifest(3)])
  const summary = (await send(app, who, archive)).json<ImportSummary>()
  t.match(summary, {
    imported: 2,
    refused: 1,
    problems: [{ code: 'quota_exceeded', detail: /up to 2 sessions/ }]
  })
})

t.test('an archive that is wrong as a whole is refused, and what was imported stays', async (t) => {
  const { app, who } = await account(t, here)
  const [first, second] = [folder(), folder()]
  const wrong: Array<[archive: Buffer, detail: RegExp]> = [
    [zip([...first]), /not an export.*imported until then: 1/],
    [zip([...first, manifest(2)]), /has 1 of the 2 sessions/],
    [zip([manifest(1, 1)]), /older server/],
    [zip([manifest(1, 3)]), /newer server/],
    [zip([{ path: 'manifest.json', content: '[]' }]), /not an export/],
    [zip([...second, manifest(1)]).subarray(0, -30), /incomplete/],
    [Buffer.from('text'), /not a ZIP/]
  ]
  for (const [archive, detail] of wrong) {
    t.match(isProblem(t, await send(app, who, archive), 'invalid_archive').detail, detail)
  }
  t.match((await send(app, who, zip([...first, ...second, manifest(2)]))).json(), {
    imported: 1,
    already_there: 1
  })
  const call = (payload: string | undefined, type: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url: '/api/users/me/import',
      headers: { ...who.headers(), ...type },
      ...(payload && { payload })
    })
  isProblem(t, await call('{}', { 'content-type': 'application/json' }), 'unsupported_media_type')
  isProblem(t, await call(undefined, {}), 'unsupported_media_type')
})

t.test('after a failure of the storage, a repeated import continues', async (t) => {
  const proxy = await startFaultyProxy(t, here.env['SUPABASE_URL'] ?? '')
  const { app, who } = await account(t, here, { SUPABASE_URL: proxy.url })
  const withoutRecording = folder({
    session: { files: [], xmlContent: null, audioUrl: null },
    files: ['recording.webm', 'score.musicxml'].map((path) => ({ path, content: 'absent' }))
  })
  const archive = zip([...withoutRecording, ...folder(), ...folder(), manifest(3)])
  proxy.breakOn('POST /storage/v1/object/', 'cut')
  const { detail } = isProblem(t, await send(app, who, archive), 'storage_unavailable')
  t.match(detail, /imported until then: 1. They stay/)
  await proxy.resume()
  t.match((await send(app, who, archive)).json(), { imported: 2, already_there: 1 })
})

t.test('the scores of an import wait for their turn, as those of saves do', async (t) => {
  const { app, who } = await account(t, here)
  const { textBytes } = app.bodyLimiters
  const xmlContent = 'x'.repeat(200_000)
  const archive = zip([...folder(), ...folder({ session: { xmlContent } }), manifest(2)])
  const release = await textBytes.acquire(who.sub, undefined, 900_000)
  const sending = send(app, who, archive)
  await until(() => textBytes.usage().waiting > 0)
  t.equal((await who.list()).json().length, 1, 'the small one does not wait')
  release()
  t.match((await sending).json(), { imported: 2 })
})

t.test('a body that stalls gets an error, and one import of a user runs at a time', async (t) => {
  const { app, who } = await account(t, here, { UPLOAD_TIMEOUT_MS: '300' })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const archive = zip([...folder(), ...folder(), manifest(2)])
  const sending = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/api/users/me/import',
    headers: { ...who.headers(), 'content-type': 'application/zip', 'content-length': archive.length }
  })
  sending.write(archive.subarray(0, -300))
  while ((await who.list()).json().length === 0);
  isProblem(t, await send(app, who, archive), 'server_busy')
  const [response] = await once(sending, 'response')
  t.equal(response.statusCode, 408)
  t.match(JSON.parse(await text(response)), { code: 'upload_stalled', detail: /imported until then: 1\./ })
  sending.destroy()
  t.match((await send(app, who, archive)).json(), { imported: 1, already_there: 1 })
})
