import t, { type Test } from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import {
  ApiStorageService,
  LocalStorageService,
  type ApiStorageOptions,
  type Clock
} from '../../../src/client/index.ts'
import { importHistory, type ImportReport } from '../../../src/client/offline/index.ts'
import { problem, startFakeApi } from '../helpers/fake-api.ts'
import { memoryStorage } from '../helpers/memory-storage.ts'
import { hex, recording } from '../helpers/sessions.ts'

const clockWithoutPauses: Clock = {
  now: () => new Date(),
  sleep: async (_, signal) => signal?.throwIfAborted()
}
const dataUrl = async (seed: number) =>
  `data:audio/webm;base64,${Buffer.from(await recording(seed, 3_000).arrayBuffer()).toString('base64')}`

/** A local history in the existing app's format, newest first, and an account to import it into. */
async function setUp(t: Test, history: object[], options: Partial<ApiStorageOptions> = {}) {
  const api = await startFakeApi()
  t.teardown(() => api.kill())
  const storage = memoryStorage()
  const entries = history.map((entry, index) => ({
    id: `${1_700_000_000_000 + index}`,
    date: `2026-01-${20 - index}T10:00:00.000Z`,
    songName: `Song ${index}`,
    instrument: 'Piano',
    durationSeconds: 60,
    xmlContent: '<x/>',
    ...entry
  }))
  storage.setItem(
    'harmony-helper-storage',
    JSON.stringify({ state: { history: entries, streak: 3 }, version: 0 })
  )
  const local = new LocalStorageService({ storage, indexedDB: new IDBFactory() })
  const service = new ApiStorageService({
    baseUrl: api.baseUrl,
    getAccessToken: async () => 'token',
    clock: clockWithoutPauses,
    ...options
  })
  const run = (options: Parameters<typeof importHistory>[2] = {}) =>
    importHistory(local, service, { clock: clockWithoutPauses, ...options })
  return { api, storage, local, service, run, account: () => [...api.account('token').sessions.values()] }
}

t.test(
  'imports recordings, dates and analyses, oldest first, and leaves the local history unchanged',
  async (t) => {
    const uuid = crypto.randomUUID()
    const analysis = { performace_summary: 'Good', 'coach-feedback': 'Slower', 'marked-up-musicxml': '<m/>' }
    const { storage, run, account } = await setUp(t, [
      { audioBase64: await dataUrl(1), analysis, totalPracticeSeconds: 90 },
      { id: uuid.toUpperCase(), audioBase64: '' },
      { audioBlob: {} }
    ])
    const before = storage.getItem('harmony-helper-storage')
    const seen: ImportReport[] = []
    const report = await run({ onProgress: (progress) => seen.push(progress) })

    t.strictSame(report, { total: 3, imported: 3, alreadyThere: 0, problems: [] })
    t.strictSame(
      seen.map(({ imported }) => imported),
      [1, 2, 3]
    )
    t.strictSame(
      account().map(({ date }) => date.slice(8, 10)),
      ['18', '19', '20']
    )
    const [, second, newest] = account()
    t.equal(second?.id, uuid)
    t.match(newest?.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
    t.match(newest, {
      durationSeconds: 90,
      analysis: { summary: 'Good', feedback: 'Slower', markedXml: '<m/>' }
    })
    t.equal(
      newest?.audio && (await hex(new Blob([Buffer.from(newest.audio, 'base64')]))),
      await hex(recording(1, 3_000))
    )
    t.equal(storage.getItem('harmony-helper-storage'), before)
  }
)

t.test('a repeated import creates no session twice', async (t) => {
  const { run, account, api } = await setUp(t, [{}, {}, {}])
  await run()
  const posts = api.requests.length
  t.strictSame(await run(), { total: 3, imported: 0, alreadyThere: 3, problems: [] })
  t.equal(account().length, 3)
  t.equal(api.requests.length, posts + 1, 'only the list was requested')
})

t.test('a session that was edited locally after its import is recognised', async (t) => {
  const { run, local, account } = await setUp(t, [{}])
  await run()
  const [session] = await local.getSessions()
  await local.updateSession(session?.id ?? '', { songName: 'Renamed', date: '2025-01-01T00:00:00.000Z' })
  await local.updateSession(session?.id ?? '', { instrument: 'Violin' })
  t.match(await run(), { imported: 0, alreadyThere: 1 })
  t.equal(account().length, 1)
})

t.test('an aborted import continues where it stopped', async (t) => {
  const { run, account } = await setUp(t, [{}, {}, {}, {}])
  const controller = new AbortController()
  await t.rejects(
    run({
      signal: controller.signal,
      onProgress: ({ imported }) => {
        if (imported === 2) controller.abort()
      }
    }),
    { name: 'AbortError' }
  )
  t.equal(account().length, 2)
  t.match(await run(), { imported: 2, alreadyThere: 2 })
})

t.test(
  'an import aborted between a session and its large recording uploads the recording the next time',
  async (t) => {
    const { api, run, account } = await setUp(t, [{ audioBase64: await dataUrl(1) }], {
      directUploadBytes: 1
    })
    const controller = new AbortController()
    api.fault = ({ path }) => {
      if (path.endsWith('/recording')) controller.abort()
      return undefined
    }
    await t.rejects(run({ signal: controller.signal }), { name: 'AbortError' })
    t.match(account(), [{ audio: null }])
    t.match(await run(), { imported: 1, alreadyThere: 0 })
    const [arrived] = account()
    t.equal(
      await hex(new Blob([Buffer.from(arrived?.audio ?? '', 'base64')])),
      await hex(recording(1, 3_000))
    )
    t.match(await run(), { imported: 0, alreadyThere: 1 })
  }
)

t.test('continues after lost responses and a temporarily unavailable server', async (t) => {
  const { api, run, account } = await setUp(t, [{}, {}, {}])
  let calls = 0
  api.fault = () =>
    ++calls % 2
      ? 'lose'
      : calls < 20
        ? problem(503, 'database_unavailable', { 'retry-after': '1' })
        : undefined
  t.match(await run(), { imported: 3 })
  t.equal(account().length, 3)
})

t.test('imports a session without a recording that the account cannot take, and says so', async (t) => {
  for (const options of [{}, { directUploadBytes: 1 }]) {
    const { api, run, account } = await setUp(t, [{ audioBase64: await dataUrl(1) }], options)
    api.fault = ({ path, body }) =>
      body.includes('audioBase64') || path.endsWith('/recording')
        ? problem(415, 'unsupported_recording')
        : undefined
    t.match(await run(), { imported: 1, problems: [{ what: 'recording', reason: { status: 415 } }] })
    t.match(account(), [{ audio: null }])
    t.match(await run(), { imported: 0, alreadyThere: 1 })
  }
})

t.test('rejects with network_error when the network does not return', async (t) => {
  const { api, run } = await setUp(t, [{}])
  api.fault = () => 'cut'
  await t.rejects(run(), { name: 'StorageError', code: 'network_error' })
})

t.test('rejects at once when the user is signed out', async (t) => {
  const { api, run } = await setUp(t, [{}, {}])
  api.fault = ({ method }) => (method === 'POST' ? problem(401, 'invalid_token') : undefined)
  await t.rejects(run(), { code: 'invalid_token' })
})

t.test(
  'a recording that was deleted from Supabase is gone, and one whose host fails may return',
  async (t) => {
    const answers: Record<string, () => Response> = {
      gone: () =>
        Response.json(
          { statusCode: '404', error: 'not_found', message: 'Object not found' },
          { status: 400 }
        ),
      refused: () => Response.json({ statusCode: '403', error: 'x', message: 'x' }, { status: 400 }),
      captive: () => new Response('null', { status: 400 }),
      page: () => new Response('<html>', { status: 400 }),
      unresolved: () => {
        throw new TypeError('fetch failed')
      }
    }
    const names = Object.keys(answers)
    const { run, account } = await setUp(
      t,
      names.map((name) => ({ songName: name, audioUrl: `https://example.com/${name}` }))
    )
    const fetch = (async (url: string) => answers[url.split('/').at(-1) ?? '']?.()) as typeof globalThis.fetch
    const { problems } = await run({ fetch })
    t.strictSame(
      problems
        .map(({ songName, what, reason: { status, code } }) => [songName, what, status, code])
        .reverse(),
      [
        ['gone', 'recording', 404, 'recording_gone'],
        ['refused', 'session', 403, 'recording_unreachable'],
        ['captive', 'session', 400, 'recording_unreachable'],
        ['page', 'session', 400, 'recording_unreachable'],
        ['unresolved', 'session', 0, 'recording_unreachable']
      ]
    )
    t.strictSame(
      account().map(({ songName }) => songName),
      ['gone']
    )
  }
)

t.test('reports what cannot be imported, with the reason, and imports the rest', async (t) => {
  const { api, run, account } = await setUp(t, [
    { songName: '', durationSeconds: 90_000 },
    {},
    { audioBase64: 'data:audio/webm;base64,%%%' },
    { audioUrl: 'https://example.com/gone.webm' },
    { audioUrl: 'https://example.com/away.webm' },
    { audioUrl: 'https://example.com/there.webm' }
  ])
  const fetch = async (input: unknown) => {
    const url = String(input)
    if (url.startsWith('data:') || url.includes('away')) throw new TypeError('fetch failed')
    return url.includes('gone') ? new Response(null, { status: 404 }) : new Response(recording(9, 500))
  }
  api.fault = ({ body }) => (body.includes('Song 1') ? problem(400, 'invalid_input') : undefined)
  const report = await run({ fetch: fetch as typeof globalThis.fetch })
  t.match(report, { total: 6, imported: 4, alreadyThere: 0 })
  t.strictSame(
    report.problems.map(({ songName, what, reason: { status, code } }) => [songName, what, status, code]),
    [
      ['Song 4', 'session', 0, 'recording_unreachable'],
      ['Song 3', 'recording', 404, 'recording_gone'],
      ['Song 2', 'recording', 0, 'recording_unreadable'],
      ['Song 1', 'session', 400, 'invalid_input'],
      ['', 'content', 0, 'session_repaired']
    ]
  )
  t.strictSame(
    account().map(({ songName, audio }) => [songName, audio !== null]),
    [
      ['Song 5', true],
      ['Song 3', false],
      ['Song 2', false],
      ['Untitled', false]
    ]
  )
  t.ok(api.requests.every(({ token }) => token === 'token'))
  t.match(
    await run({ fetch: fetch as typeof globalThis.fetch }),
    { imported: 0, alreadyThere: 4 },
    'sessions imported without their recording are not imported again'
  )
})

t.test('repairs values that the account refuses, and says what was changed', async (t) => {
  const score = (bytes: number) => `<x>${'€'.repeat(bytes / 3)}</x>`
  const cases: [object, object, string][] = [
    [{ songName: '😀'.repeat(301) }, { songName: '😀'.repeat(300) }, 'song name'],
    [{ notes: '\ud83d' + '😀'.repeat(10_001) }, { notes: '😀'.repeat(10_000) }, 'notes'],
    [{ xmlContent: '<x>\0</x>' }, { xmlContent: '<x></x>' }, 'score'],
    [{ xmlContent: score(10_800_000) }, { xmlContent: null }, 'score (left out, because it is too large)'],
    [
      { analysis: { 'coach-feedback': 'Great \ud83d', scoreAccuracy: 87.5 } },
      { analysis: { summary: null, feedback: 'Great ', scoreAccuracy: 88, markedXml: null } },
      'feedback, accuracy'
    ],
    [
      {
        analysis: {
          performace_summary: 'x'.repeat(1_000_001),
          scoreAccuracy: 140,
          markedXml: score(10_800_000)
        }
      },
      { analysis: { summary: 'x'.repeat(1_000_000), scoreAccuracy: 100, markedXml: null } },
      'summary, accuracy, marked score (left out, because it is too large)'
    ],
    [{ date: '1899-12-31T00:00:00.000Z' }, { date: '2026-02-01T00:00:00.000Z' }, 'date'],
    [{ date: '2099-01-01T00:00:00.000Z' }, { date: '2026-02-01T00:00:00.000Z' }, 'date'],
    [{ date: 'yesterday' }, { date: '2026-02-01T00:00:00.000Z' }, 'date']
  ]
  for (const [entry, expected, detail] of cases) {
    const { run, account } = await setUp(t, [entry])
    const clock = { ...clockWithoutPauses, now: () => new Date('2026-02-01') }
    const { problems, ...report } = await run({ clock })
    t.strictSame(report, { total: 1, imported: 1, alreadyThere: 0 }, detail)
    t.match(account(), [expected])
    t.match(problems, [{ what: 'content', reason: { code: 'session_repaired' } }])
    t.equal(problems[0]?.reason.detail, `Imported with changes: ${detail}.`)
  }
})

t.test('changes nothing of a session at the limits', async (t) => {
  const analysis = { summary: 'x', feedback: null, scoreAccuracy: 100, markedXml: null }
  const { run, account } = await setUp(t, [
    { songName: '😀'.repeat(300), notes: '😀'.repeat(10_000), analysis }
  ])
  t.strictSame((await run()).problems, [])
  t.match(account(), [{ songName: '😀'.repeat(300), notes: '😀'.repeat(10_000), analysis }])
})

t.test('a repeated import finds a session again whose date was replaced', async (t) => {
  const { api, run, account } = await setUp(
    t,
    [{ date: '2099-01-01T00:00:00.000Z', audioBase64: await dataUrl(1) }],
    { directUploadBytes: 1 }
  )
  const controller = new AbortController()
  api.fault = ({ path }) => {
    if (path.endsWith('/recording')) controller.abort()
    return undefined
  }
  const on = (day: string) => ({ ...clockWithoutPauses, now: () => new Date(day) })
  await t.rejects(run({ signal: controller.signal, clock: on('2026-02-01') }), { name: 'AbortError' })
  t.match(await run({ clock: on('2026-02-02') }), { imported: 1, problems: [{ what: 'content' }] })
  t.match(account(), [{ date: '2026-02-01T00:00:00.000Z', audio: String }])
})
