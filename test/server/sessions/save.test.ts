import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const NOW = new Date('2026-11-22T18:03:00.000Z')
const { app, as, database, issuer } = await build(t, { now: () => NOW })
const clara = as('auth0|clara')
await clara.sync()

async function saved(fields: Record<string, unknown> = {}): Promise<SessionData> {
  const response = await clara.save(fields)
  if (response.statusCode !== 201) throw new Error(response.body)
  return response.json<SessionData>()
}

const stored = async (id: string) => (await clara.get(id)).json<SessionData>()

t.test('a save answers 201 with the whole session, and GET answers the same', async (t) => {
  const xmlContent = (await fixture('ode-to-joy.musicxml')).toString()
  const response = await clara.save({
    songName: 'Ode an die Freude',
    instrument: 'Piano',
    duration: 1260,
    date: '2026-11-22T18:03:00Z',
    xmlContent,
    notes: 'Left hand alone first',
    analysis: { summary: 'Steady', feedback: 'Mind bar 12', scoreAccuracy: 87, markedXml: '<marked/>' }
  })
  t.equal(response.statusCode, 201)
  t.match(response.headers['content-type'], /^application\/json/)
  const session = response.json<SessionData>()
  t.strictSame(session, {
    id: session.id,
    date: '2026-11-22T18:03:00.000Z',
    songName: 'Ode an die Freude',
    instrument: 'Piano',
    durationSeconds: 1260,
    xmlContent,
    notes: 'Left hand alone first',
    analysis: { summary: 'Steady', feedback: 'Mind bar 12', scoreAccuracy: 87, markedXml: '<marked/>' },
    audioUrl: null
  })
  t.equal(
    response.headers.location,
    `/api/sessions/${session.id}`,
    'relative, so that it is right behind any proxy'
  )
  t.strictSame(await stored(session.id), session)
})

t.test('absent fields are null, and the date is now', async (t) => {
  const { id, ...session } = await saved()
  t.strictSame(session, {
    date: NOW.toISOString(),
    songName: 'Ode to Joy',
    instrument: 'Piano',
    durationSeconds: 60,
    xmlContent: null,
    notes: null,
    analysis: null,
    audioUrl: null
  })
  t.strictSame(await stored(id), { id, ...session })
})

t.test('null means the same as an absent field', async (t) => {
  t.match(await saved({ id: null, date: null, xmlContent: null, analysis: null, audioBase64: null }), {
    date: NOW.toISOString(),
    xmlContent: null,
    analysis: null,
    audioUrl: null
  })
})

t.test('a save of a user who was never synced names the call to make first', async (t) => {
  const { detail } = isProblem(t, await as('auth0|stranger').save(), 'user_not_synced')
  t.match(detail, 'POST /api/users/sync')
})

t.test('a save whose user is deleted meanwhile answers user_not_synced and stores nothing', async (t) => {
  const otto = as('auth0|otto')
  await otto.sync()
  await query(
    database.url,
    `CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql
     AS $$ BEGIN DELETE FROM users WHERE id = NEW.user_id; RETURN NEW; END $$`,
    `CREATE TRIGGER vanish BEFORE INSERT ON sessions
     FOR EACH ROW WHEN (NEW.song_name = 'Gone') EXECUTE FUNCTION vanish()`
  )
  t.teardown(() => query(database.url, 'DROP FUNCTION vanish CASCADE'))
  isProblem(t, await otto.save({ songName: 'Gone' }), 'user_not_synced')
  t.equal((await otto.save()).statusCode, 201, 'everything was rolled back')
})

t.test('durations are rounded to seconds', async (t) => {
  const pairs: Array<[sent: number, kept: number]> = [
    [0, 0],
    [0.49, 0],
    [0.5, 1],
    [59.4, 59],
    [59.5, 60],
    [1e-300, 0],
    [86_399.6, 86_400],
    [86_400, 86_400]
  ]
  for (const [duration, seconds] of pairs) {
    t.equal((await saved({ duration })).durationSeconds, seconds, `${duration}`)
  }
  for (const duration of [-0.1, -1, 86_400.1, 1e300, Number.MIN_SAFE_INTEGER]) {
    isProblem(t, await clara.save({ duration }), 'invalid_input', '/duration')
  }
})

t.test('unusual JSON numbers are accepted or refused', async (t) => {
  const save = (duration: string) =>
    app.inject({
      method: 'POST',
      url: '/api/sessions',
      headers: { authorization: `Bearer ${issuer.token(clara.sub)}`, 'content-type': 'application/json' },
      payload: `{"songName":"Ode","instrument":"Piano","duration":${duration}}`
    })
  t.equal((await save('-0')).statusCode, 201)
  t.equal((await save('6.0e1')).json<SessionData>().durationSeconds, 60)
  isProblem(t, await save('1e400'), 'invalid_input', '/duration')
  isProblem(t, await save('NaN'), 'malformed_body')
})

t.test('dates may have any offset and are stored in UTC', async (t) => {
  const pairs = {
    '2026-11-22T19:03:00+01:00': '2026-11-22T18:03:00.000Z',
    '2026-11-22T07:33:00.5-10:30': '2026-11-22T18:03:00.500Z',
    '2026-11-22T18:03:00-00:00': '2026-11-22T18:03:00.000Z',
    '2026-11-22T18:03:00.123456789Z': '2026-11-22T18:03:00.123Z',
    '2024-02-29T00:00:00Z': '2024-02-29T00:00:00.000Z',
    '1900-01-01T00:00:00Z': '1900-01-01T00:00:00.000Z',
    '1969-12-31T23:59:59.999Z': '1969-12-31T23:59:59.999Z',
    // Half past two in Berlin occurs twice that night, an hour apart.
    '2026-10-25T02:30:00+02:00': '2026-10-25T00:30:00.000Z',
    '2026-10-25T02:30:00+01:00': '2026-10-25T01:30:00.000Z',
    // 48 hours ahead
    '2026-11-24T18:03:00Z': '2026-11-24T18:03:00.000Z'
  }
  for (const [sent, kept] of Object.entries(pairs)) {
    const { id, date } = await saved({ date: sent })
    t.equal(date, kept, sent)
    t.equal((await stored(id)).date, kept)
  }
})

t.test('dates without an offset, invalid dates and dates out of range are refused', async (t) => {
  const refused = [
    '2026-11-22',
    '2026-11-22T18:03:00',
    '2026-11-22T18:03Z',
    'now',
    'Sun, 22 Nov 2026 18:03:00 GMT',
    '1763834580000',
    '',
    '2026-02-29T12:00:00Z',
    '2026-13-01T12:00:00Z',
    '2026-11-31T12:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T18:60:00Z',
    '2026-11-22T18:03:00+25:00',
    '2016-12-31T23:59:60Z',
    '2026-11-21T00:59:60+01:00', // leap seconds, real and invented
    '1899-12-31T23:59:59.999Z',
    '1900-01-01T00:00:00+01:00',
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '2026-11-24T18:03:00.001Z',
    '2027-11-22T18:03:00Z',
    '9999-12-31T23:59:59Z',
    '+012026-11-22T18:03:00Z',
    '-000001-11-22T18:03:00Z'
  ]
  for (const date of refused) {
    const { detail } = isProblem(t, await clara.save({ date }), 'invalid_input', '/date')
    t.match(detail, /RFC 3339/, date)
  }
})

t.test('an analysis is a text, the feedback alone, or an object whose members are optional', async (t) => {
  const none = { summary: null, feedback: null, scoreAccuracy: null, markedXml: null }
  const pairs: Array<[sent: unknown, kept: SessionData['analysis']]> = [
    ['Mind the dotted notes', { ...none, feedback: 'Mind the dotted notes' }],
    ['', { ...none, feedback: '' }],
    [{ summary: 'Steady' }, { ...none, summary: 'Steady' }],
    [{ scoreAccuracy: 0 }, { ...none, scoreAccuracy: 0 }],
    [{ markedXml: '<x/>' }, { ...none, markedXml: '<x/>' }],
    [
      { scoreAccuracy: 100, feedback: null, mood: 'sunny' },
      { ...none, scoreAccuracy: 100 }
    ],
    [none, null],
    [{}, null]
  ]
  for (const [analysis, kept] of pairs) {
    const { id } = await saved({ analysis })
    t.strictSame((await stored(id)).analysis, kept)
  }
})

t.test('an invalid analysis is refused with a detail that names the valid forms', async (t) => {
  for (const scoreAccuracy of [-1, 101, 87.5, '87', true, [87]]) {
    isProblem(
      t,
      await clara.save({ analysis: { scoreAccuracy } }),
      'invalid_input',
      '/analysis/scoreAccuracy'
    )
  }
  for (const analysis of [5, true, []]) {
    const { detail } = isProblem(t, await clara.save({ analysis }), 'invalid_input', '/analysis')
    t.match(detail, /string.*object|text.*object/, 'names the valid forms')
  }
  t.match(isProblem(t, await clara.save({ analysis: 'a\0b' }), 'invalid_input', '/analysis').detail, /NUL/)
  isProblem(t, await clara.save({ analysis: { feedback: 'a\0b' } }), 'invalid_input', '/analysis/feedback')
})

t.test('text in any language comes back unchanged', async (t) => {
  const songName = '歓喜の歌 – Óda na radost – 𝄞🎹👩‍👩‍👧 – שיר לשמחה – e\u0301 \u200b\ufeff \u0001\u007f "\\'
  const analysis = { summary: '\n\t ', feedback: `${songName}\u2028\u2029`, scoreAccuracy: 1 }
  const { id } = await saved({ songName, instrument: '  Ţambal  ', analysis, xmlContent: songName })
  t.match(await stored(id), { songName, instrument: '  Ţambal  ', analysis, xmlContent: songName })
  const [row] = (await clara.list())
    .json<Array<{ id: string; song_name: string }>>()
    .filter((row) => row.id === id)
  t.equal(row?.song_name, songName)
})

t.test('names have 1 to 300 characters, not only white space; an emoji counts as one', async (t) => {
  for (const name of ['x', 'x'.repeat(300), '🎹'.repeat(300)]) {
    t.match(await saved({ songName: name, instrument: name }), { songName: name, instrument: name })
  }
  for (const name of ['', ' ', '\t\n\r\v\f', '\u00a0\u3000\u2003', 'x'.repeat(301), '🎹'.repeat(301)]) {
    isProblem(t, await clara.save({ songName: name }), 'invalid_input', '/songName')
    isProblem(t, await clara.save({ instrument: name }), 'invalid_input', '/instrument')
  }
})

t.test('NUL and unpaired surrogates are refused in every text field', async (t) => {
  for (const text of ['a\0b', '\0', 'a\ud834b', '\udd1e', '\udd1e\ud834']) {
    isProblem(t, await clara.save({ songName: text }), 'invalid_input', '/songName')
    isProblem(t, await clara.save({ instrument: text }), 'invalid_input', '/instrument')
    isProblem(t, await clara.save({ xmlContent: text }), 'invalid_input', '/xmlContent')
    isProblem(t, await clara.save({ analysis: text }), 'invalid_input', '/analysis')
    isProblem(t, await clara.save({ analysis: { summary: text } }), 'invalid_input', '/analysis/summary')
    isProblem(t, await clara.save({ analysis: { feedback: text } }), 'invalid_input', '/analysis/feedback')
    isProblem(t, await clara.save({ analysis: { markedXml: text } }), 'invalid_input', '/analysis/markedXml')
    isProblem(t, await clara.save({ notes: text }), 'invalid_input', '/notes')
  }
})

t.test('notes may have up to 10,000 characters; an emoji counts as one', async (t) => {
  for (const notes of ['', ' ', 'x'.repeat(10_000), '🎹'.repeat(10_000)]) {
    t.equal((await saved({ notes })).notes, notes)
  }
  isProblem(t, await clara.save({ notes: 'x'.repeat(10_001) }), 'invalid_input', '/notes')
  isProblem(t, await clara.save({ notes: 5 }), 'invalid_input', '/notes')
})

t.test('what GET returns, POST accepts: durationSeconds stands for duration', async (t) => {
  const { id, ...session } = await saved({ duration: 95, analysis: { summary: 'Steady' } })
  const again = await clara.save({ duration: undefined, ...session })
  t.equal(again.statusCode, 201)
  t.strictSame(await stored(again.json<SessionData>().id), { ...again.json(), ...session })
  t.equal((await saved({ duration: 60, durationSeconds: 60 })).durationSeconds, 60)
  isProblem(t, await clara.save({ duration: 60, durationSeconds: 61 }), 'invalid_input', '/durationSeconds')
  t.equal((await clara.save({ ...session, id, duration: undefined })).statusCode, 200, 'a repeat')
})

t.test("the existing frontend's names are those of /v0 only", async (t) => {
  const { status, detail } = isProblem(
    t,
    await clara.save({ songName: undefined, song_name: 'Ode' }),
    'invalid_input'
  )
  t.match([status, detail], [400, /song_?name/i])
  t.equal('audio_url' in (await saved()), false)
})

t.test('unknown fields are ignored', async (t) => {
  const { id } = await saved({
    mood: 'sunny',
    userId: 'x',
    user_id: 'x',
    audioUrl: 'https://elsewhere.example/x.webm',
    audio_url: 5,
    createdAt: {},
    analysis: { mood: 1 }
  })
  t.match(await stored(id), { songName: 'Ode to Joy', audioUrl: null })
})

t.test('__proto__ and constructor in a body change nothing', async (t) => {
  const response = await app.inject({
    method: 'POST',
    url: '/api/sessions',
    headers: { authorization: `Bearer ${issuer.token(clara.sub)}`, 'content-type': 'application/json' },
    payload: `{"songName":"Ode","instrument":"Piano","duration":60,"__proto__":{"xmlContent":"polluted","duration":5},
      "constructor":{"prototype":{"xmlContent":"polluted"}},"analysis":{"__proto__":{"feedback":"polluted"}}}`
  })
  t.equal(response.statusCode, 201)
  t.match(response.json(), { durationSeconds: 60, xmlContent: null, analysis: null })
  t.equal(({} as Record<string, unknown>)['xmlContent'], undefined)
  isProblem(
    t,
    await app.inject({
      method: 'POST',
      url: '/api/sessions',
      headers: { authorization: `Bearer ${issuer.token(clara.sub)}`, 'content-type': 'application/json' },
      payload: '{"__proto__":{"songName":"Ode","instrument":"Piano","duration":60}}'
    }),
    'invalid_input',
    '/songName'
  )
})

t.test('a refused save leaves nothing behind', async (t) => {
  const robert = as('auth0|robert')
  await robert.sync()
  isProblem(t, await robert.save({ duration: -1 }), 'invalid_input', '/duration')
  isProblem(t, await robert.save({ audioBase64: 'not base64!' }), 'invalid_input', '/audioBase64')
  t.strictSame((await robert.list()).json(), [])
  const [{ leases } = { leases: '' }] = await query<{ leases: string }>(
    database.url,
    'SELECT count(*) AS leases FROM session_leases'
  )
  t.equal(leases, '0')
})

t.test('each save updates streak and last practice in the table', async (t) => {
  const streak = async (sub: string) =>
    (
      await query(
        database.url,
        `SELECT streak_count, last_practice_date FROM users WHERE auth0_id = '${sub}'`
      )
    )[0]
  const emma = as('auth0|emma')
  await emma.sync()
  await emma.save({ date: '2026-11-20T10:00:00Z' })
  t.strictSame(await streak(emma.sub), {
    streak_count: 0,
    last_practice_date: new Date('2026-11-20T10:00:00Z')
  })
  await emma.save({ date: '2026-11-22T17:00:00Z' })
  t.strictSame(await streak(emma.sub), {
    streak_count: 1,
    last_practice_date: new Date('2026-11-22T17:00:00Z')
  })
  await emma.save({ date: '2026-11-21T10:00:00Z' })
  t.strictSame(await streak(emma.sub), {
    streak_count: 3,
    last_practice_date: new Date('2026-11-22T17:00:00Z')
  })
  await emma.save({ date: '2026-11-23T10:00:00Z' })
  t.strictSame(
    await streak(emma.sub),
    { streak_count: 3, last_practice_date: new Date('2026-11-22T17:00:00Z') },
    'a session in the future does not count yet'
  )
})
