import { randomUUID } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build, type Caller } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const NOW = new Date('2026-11-22T18:03:00.000Z')
const { app, as, database, issuer } = await build(t, { now: () => NOW })
const [clara, robert] = [as('auth0|clara'), as('auth0|robert')]
await clara.sync()
await robert.sync()
const webm = (await fixture('recording.webm')).toString('base64')

const whole = {
  songName: 'Ode to Joy',
  instrument: 'Piano',
  duration: 60,
  date: '2026-11-21T10:00:00.000Z',
  xmlContent: '<score/>',
  notes: 'Left hand alone first',
  analysis: { summary: 'a', feedback: 'b', scoreAccuracy: 5, markedXml: '<marked/>' }
}

async function saved(fields: Record<string, unknown> = whole, caller = clara): Promise<SessionData> {
  const response = await caller.save(fields)
  if (response.statusCode !== 201) throw new Error(response.body)
  return response.json<SessionData>()
}

const edit = (
  id: string,
  changes: InjectOptions['payload'],
  headers: Record<string, string> = {},
  who = clara
) =>
  app.inject({
    method: 'PATCH',
    url: `/api/sessions/${id}`,
    headers: {
      authorization: `Bearer ${issuer.token(who.sub)}`,
      'content-type': 'application/json',
      ...headers
    },
    payload: typeof changes === 'string' ? changes : JSON.stringify(changes)
  })

/** Edits, and checks that the answer is the session as it is read afterwards. */
async function edited(t: Test, id: string, changes: object, who: Caller = clara): Promise<SessionData> {
  const response = await edit(id, changes, {}, who)
  t.equal(response.statusCode, 200, response.body)
  const read = await who.get(id)
  t.strictSame(response.json(), read.json())
  t.equal(response.headers.etag, read.headers.etag)
  return response.json()
}

t.test('each member is changed by itself, or cleared where it may be null', async (t) => {
  const session = await saved()
  const { analysis } = session
  const changes: Array<[changes: object, expected: Partial<SessionData>]> = [
    [{ songName: 'Für Elise' }, { songName: 'Für Elise' }],
    [{ instrument: 'Cello' }, { instrument: 'Cello' }],
    [{ duration: 90.4 }, { durationSeconds: 90 }],
    [{ durationSeconds: 91 }, { durationSeconds: 91 }],
    [{ duration: 59.6, durationSeconds: 60 }, { durationSeconds: 60 }],
    [{ date: '2026-11-20T10:00:00+01:00' }, { date: '2026-11-20T09:00:00.000Z' }],
    [{ xmlContent: '<other/>' }, { xmlContent: '<other/>' }],
    [{ xmlContent: null }, { xmlContent: null }],
    [{ notes: '' }, { notes: '' }],
    [{ notes: null }, { notes: null }],
    [{ analysis: { summary: 'c' } }, { analysis: { ...analysis, summary: 'c' } }],
    [{ analysis: { feedback: null } }, { analysis: { ...analysis, feedback: null } }],
    [{ analysis: { scoreAccuracy: 0 } }, { analysis: { ...analysis, scoreAccuracy: 0 } }],
    [{ analysis: { markedXml: null } }, { analysis: { ...analysis, markedXml: null } }],
    [{ analysis: { mood: 1 } }, { analysis }],
    [{ analysis: null }, { analysis: null }],
    [{ analysis: 'd' }, { analysis: { summary: null, feedback: 'd', scoreAccuracy: null, markedXml: null } }],
    [
      { analysis: { summary: null, feedback: null, scoreAccuracy: null, markedXml: null } },
      { analysis: null }
    ]
  ] as never
  for (const [change, expected] of changes) {
    const restored = await edited(t, session.id, { ...whole, audioUrl: undefined })
    t.strictSame(restored, session)
    t.strictSame(await edited(t, session.id, change), { ...session, ...expected }, JSON.stringify(change))
  }
})

t.test('a patch may change many members at once, as a merge patch or as JSON', async (t) => {
  for (const type of ['application/merge-patch+json', 'application/json; charset=utf-8']) {
    const { id } = await saved({ songName: 'x', instrument: 'y', duration: 1 })
    const response = await edit(id, whole, { 'content-type': type })
    t.equal(response.statusCode, 200)
    const { duration: durationSeconds, ...rest } = whole
    t.strictSame(response.json(), { id, ...rest, durationSeconds, audioUrl: null })
  }
})

t.test('the recording stays', async (t) => {
  const { id, audioUrl } = await saved({ ...whole, audioBase64: webm })
  t.equal((await edited(t, id, { songName: 'x', audio_url: null, mood: 'sunny' })).audioUrl, audioUrl)
  t.equal((await fetch(audioUrl ?? '')).status, 200)
})

t.test('a patch that changes nothing writes nothing', async (t) => {
  const session = await saved()
  const state = () =>
    query(
      database.url,
      `SELECT s.xmin::text, s.revision, u.xmin::text AS user_xmin, u.revision AS user_revision
      FROM sessions s JOIN users u ON u.id = user_id WHERE s.id = '${session.id}'`
    )
  const before = await state()
  const { id: _, audioUrl: __, ...readBack } = session
  for (const changes of [{}, whole, readBack, { analysis: {} }, { mood: 1 }, { duration: 60.2 }]) {
    t.strictSame(await edited(t, session.id, changes), session)
  }
  t.strictSame(await state(), before)
})

t.test(
  'a date of microseconds, which SQL may write, is not changed by the date that GET answers',
  async (t) => {
    const { id } = await saved()
    await query(database.url, `UPDATE sessions SET date = '2026-11-21T10:00:00.123456Z' WHERE id = '${id}'`)
    const { date } = (await clara.get(id)).json<SessionData>()
    await edited(t, id, { date, songName: 'x' })
    const [row] = await query(
      database.url,
      `SELECT extract(microseconds FROM date)::int AS micros FROM sessions WHERE id = '${id}'`
    )
    t.strictSame(row, { micros: 123456 })
  }
)

t.test('what may not be null, wrong values and members with routes of their own are refused', async (t) => {
  const session = await saved()
  const long = 'x'.repeat(10 * 1024 * 1024 + 1)
  const refused: Array<[changes: object, path: string, detail?: RegExp]> = [
    [{ songName: null }, '/songName'],
    [{ instrument: null }, '/instrument'],
    [{ duration: null }, '/duration'],
    [{ durationSeconds: null }, '/durationSeconds'],
    [{ date: null }, '/date'],
    [{ songName: ' ' }, '/songName'],
    [{ instrument: 'x'.repeat(301) }, '/instrument'],
    [{ duration: -1 }, '/duration'],
    [{ duration: 86_401 }, '/duration'],
    [{ duration: '60' }, '/duration'],
    [{ duration: 60, durationSeconds: 61 }, '/durationSeconds', /duration/],
    [{ date: '2026-11-21' }, '/date', /RFC 3339/],
    [{ date: '1899-12-31T23:59:59Z' }, '/date'],
    [{ date: '2026-11-24T18:03:01Z' }, '/date'],
    [{ xmlContent: 5 }, '/xmlContent'],
    [{ xmlContent: long }, '/xmlContent'],
    [{ notes: 'x'.repeat(10_001) }, '/notes'],
    [{ notes: 'a\0b' }, '/notes', /NUL/],
    [{ analysis: 5 }, '/analysis'],
    [{ analysis: [] }, '/analysis'],
    [{ analysis: { scoreAccuracy: 101 } }, '/analysis/scoreAccuracy'],
    [{ analysis: { markedXml: long } }, '/analysis/markedXml'],
    [{ analysis: { summary: 5 } }, '/analysis/summary'],
    [{ id: session.id }, '/id', /left out/],
    [{ id: null }, '/id'],
    [{ audioUrl: null }, '/audioUrl', /recording/],
    [{ audioUrl: session.audioUrl }, '/audioUrl'],
    [{ audioBase64: webm }, '/audioBase64', /recording/],
    [{ audioBase64: null }, '/audioBase64']
  ]
  for (const [changes, path, detail = /\w/] of refused) {
    t.match(
      isProblem(t, await edit(session.id, { songName: 'Changed', ...changes }), 'invalid_input', path).detail,
      detail
    )
  }
  t.strictSame((await clara.get(session.id)).json(), session, 'and change nothing')
})

t.test('a body that is no merge patch of a session is refused', async (t) => {
  const { id } = await saved()
  for (const body of ['[]', '"x"', '5', 'null']) isProblem(t, await edit(id, body), 'invalid_input')
  for (const body of ['', '{', '{"songName":"x"', '\xff']) {
    isProblem(t, await edit(id, body), 'malformed_body')
  }
  for (const type of ['text/plain', 'application/json-patch+json', 'application/x-www-form-urlencoded']) {
    isProblem(t, await edit(id, '{}', { 'content-type': type }), 'unsupported_media_type')
  }
  isProblem(t, await edit('not-a-uuid', {}), 'invalid_input', 'id')
  isProblem(
    t,
    await app.inject({
      method: 'POST',
      url: '/api/sessions',
      headers: {
        authorization: `Bearer ${issuer.token(clara.sub)}`,
        'content-type': 'application/merge-patch+json'
      },
      payload: '{}'
    }),
    'unsupported_media_type'
  )
})

t.test('the session of another user is not found, and does not change', async (t) => {
  const session = await saved()
  for (const id of [session.id, randomUUID()]) {
    for (const who of [robert, as('auth0|stranger')]) {
      isProblem(t, await edit(id, { songName: 'x' }, {}, who), 'session_not_found')
      isProblem(t, await edit(id, {}, { 'if-match': '*' }, who), 'session_not_found')
    }
  }
  t.strictSame((await clara.get(session.id)).json(), session)
})

t.test('If-Match refuses an edit of another version', async (t) => {
  const { id } = await saved()
  const first = String((await clara.get(id)).headers.etag)
  const second = String((await edit(id, { notes: 'one' }, { 'if-match': first })).headers.etag)
  t.not(second, first)
  for (const tag of [first, `W/${first}`, '"x"', '', second.slice(1, -1)]) {
    isProblem(t, await edit(id, { notes: 'two' }, { 'if-match': tag }), 'precondition_failed')
    isProblem(t, await edit(id, {}, { 'if-match': tag }), 'precondition_failed')
  }
  t.equal((await clara.get(id)).json<SessionData>().notes, 'one')
  for (const tag of [second, `W/${second}`, `"x", ${second}`, '*', `${second.slice(0, -1)}-5"`]) {
    const response = await edit(id, {}, { 'if-match': tag })
    t.equal(response.statusCode, 200, tag)
    t.equal(response.headers.etag, second)
  }
})

t.test('without If-Match the last edit wins, member by member', async (t) => {
  const { id } = await saved()
  const names = Array.from({ length: 10 }, (_, index) => `name ${index}`)
  const answers = await Promise.all([
    ...names.map((songName) => edit(id, { songName })),
    ...names.map((notes) => edit(id, { notes })),
    edit(id, { analysis: { summary: 'changed' } }),
    edit(id, { analysis: { scoreAccuracy: 50 } })
  ])
  t.strictSame(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]))
  const session = (await clara.get(id)).json<SessionData>()
  t.ok(names.includes(session.songName))
  t.ok(names.includes(session.notes ?? ''))
  t.match(session.analysis, { ...whole.analysis, summary: 'changed', scoreAccuracy: 50 })
})

t.test('of concurrent edits of one version, one succeeds', async (t) => {
  const { id } = await saved()
  const tag = String((await clara.get(id)).headers.etag)
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => edit(id, { notes: `notes ${index}` }, { 'if-match': tag }))
  )
  t.strictSame(answers.map(({ statusCode }) => statusCode).sort(), [200, ...Array(7).fill(412)])
})

t.test(
  'a repeat of the first save is recognised after edits, and answers the session as it is now',
  async (t) => {
    for (const fields of [whole, { ...whole, date: undefined }, { ...whole, audioBase64: webm }]) {
      const id = randomUUID()
      await saved({ ...fields, id })
      const now = await edited(t, id, {
        songName: 'x',
        duration: 1,
        xmlContent: null,
        analysis: 'y',
        date: NOW.toISOString()
      })
      const again = await clara.save({ ...fields, id })
      t.equal(again.statusCode, 200)
      t.match(again.json(), now)
      const { duration: _, ...members } = { ...now, duration: now.durationSeconds }
      if (!now.audioUrl) {
        t.equal((await clara.save({ ...members, duration: 1 })).statusCode, 200, 'as it is now')
      }
      isProblem(t, await clara.save({ ...fields, id, notes: 'other' }), 'id_reused')
      isProblem(t, await robert.save({ ...fields, id }), 'id_reused')
    }
  }
)

t.test('the date of a repeat is compared only if it is sent, also after an edit', async (t) => {
  const [dated, undated] = [randomUUID(), randomUUID()]
  await saved({ ...whole, id: dated })
  await saved({ ...whole, id: undated, date: undefined })
  for (const id of [dated, undated]) await edited(t, id, { notes: null })
  t.equal((await clara.save({ ...whole, id: dated, date: undefined })).statusCode, 200)
  t.equal((await clara.save({ ...whole, id: undated, date: NOW.toISOString() })).statusCode, 200)
  isProblem(t, await clara.save({ ...whole, id: undated }), 'id_reused')
  isProblem(t, await clara.save({ ...whole, id: dated, date: NOW.toISOString() }), 'id_reused')
})

t.test('the deletion of a recording is an edit', async (t) => {
  const id = randomUUID()
  await saved({ ...whole, id, audioBase64: webm })
  t.equal((await clara.call('DELETE', `/api/sessions/${id}/recording`)).statusCode, 204)
  const again = await clara.save({ ...whole, id, audioBase64: webm })
  t.equal(again.statusCode, 200)
  t.equal(again.json<SessionData>().audioUrl, null)
  t.equal((await clara.save({ ...whole, id })).statusCode, 200, 'as it is now')
})

t.test('a repeat and an edit during a deletion are busy', async (t) => {
  const id = randomUUID()
  await saved({ ...whole, id })
  await query(
    database.url,
    `INSERT INTO session_leases (session_id, user_id, holder, expires_at)
     SELECT '${id}', id, gen_random_uuid(), now() + interval '1 minute' FROM users WHERE auth0_id = '${clara.sub}'`
  )
  isProblem(t, await clara.save({ ...whole, id }), 'session_busy')
  isProblem(t, await edit(id, { notes: 'x' }), 'session_busy')
  await query(database.url, `UPDATE session_leases SET holder = NULL WHERE session_id = '${id}'`)
  t.equal((await clara.save({ ...whole, id })).statusCode, 200, 'after a deletion that has failed')
  t.equal((await edit(id, { notes: 'x' })).statusCode, 200)
  await query(database.url, `DELETE FROM session_leases WHERE session_id = '${id}'`)
})

t.test('the first change of a session of an earlier release keeps what was saved', async (t) => {
  const changes: Record<string, (id: string) => Promise<unknown>> = {
    'an edit': (id) => edited(t, id, { songName: 'x', date: NOW.toISOString() }),
    'the deletion of the recording': (id) => clara.call('DELETE', `/api/sessions/${id}/recording`),
    SQL: (id) =>
      query(database.url, `UPDATE sessions SET notes = 'x', duration_seconds = 5 WHERE id = '${id}'`)
  }
  for (const [name, change] of Object.entries(changes)) {
    const id = randomUUID()
    await saved({ ...whole, id, audioBase64: webm })
    await query(database.url, `UPDATE sessions SET content_digest = NULL WHERE id = '${id}'`)
    await change(id)
    t.equal((await clara.save({ ...whole, id, audioBase64: webm })).statusCode, 200, name)
    isProblem(t, await clara.save({ ...whole, id, notes: 'other' }), 'id_reused')
  }
})
