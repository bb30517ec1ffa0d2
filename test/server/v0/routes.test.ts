import t from 'tap'
import type { UserStatsData } from '../../../src/contract/stats.ts'
import type { Problem } from '../../../src/contract/problem.ts'
import { build } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'

/**
 * The calls of the Harmony Helper frontend as its source makes them: `fetch` from its own origin, with
 * `Content-Type: application/json` on every request. Its pages read what these tests compare.
 */
const { app, as, issuer } = await build(t, { now: () => new Date('2026-11-22T18:03:00Z') })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const webm = await fixture('recording.webm')

type Row = {
  id: string
  audio_url: string | null
  xml_content: string | null
  analysis_summary: string | null
  analysis_feedback: string | null
}

/** The frontend, signed in as `sub`. */
function frontend(sub: string) {
  const call = async (path: string, method = 'GET', body?: unknown) => {
    const response = await fetch(`${url}/v0/api${path}`, {
      method,
      headers: {
        authorization: `Bearer ${issuer.token(sub)}`,
        'content-type': 'application/json',
        origin: 'http://localhost:8080'
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    t.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:8080')
    return response
  }
  return {
    sub,
    sync: (fields: object = {}) =>
      call('/users/sync', 'POST', { email: 'clara@example.com', name: 'Clara', sub, picture: '', ...fields }),
    save: (body: object) => call('/sessions', 'POST', body),
    list: async () => (await (await call('/sessions')).json()) as Row[],
    get: (id: string) => call(`/sessions/${id}`),
    remove: (id: string) => call(`/sessions/${id}`, 'DELETE'),
    stats: async () => (await (await call('/stats')).json()) as UserStatsData
  }
}

async function newcomer(name: string) {
  const person = frontend(`google-oauth2|${name}`)
  t.equal((await person.sync()).status, 201)
  return person
}

const practice = {
  song_name: 'Für Elise',
  instrument: 'Piano',
  duration_seconds: 180,
  total_practice_seconds: 95,
  date: '2026-11-22T17:00:00.000Z',
  xml_content: '<score-partwise/>',
  analysis: {
    performace_summary: 'Steady tempo',
    'coach-feedback': 'Mind bar 12',
    'user-spectrogram': 'iVBORw0KGgo=',
    'target-spectrogram': 'iVBORw0KGgo=',
    'marked-up-musicxml': '<score-partwise id="marked"/>'
  },
  audioBase64: ''
}

const row = {
  date: '2026-11-22T17:00:00.000Z',
  song_name: 'Für Elise',
  instrument: 'Piano',
  duration_seconds: 95,
  total_practice_seconds: 95,
  audio_url: null,
  xml_content: '<score-partwise/>',
  analysis_summary: 'Steady tempo',
  analysis_feedback: 'Mind bar 12'
}

t.test('a practice is saved, listed with feedback and score, played, counted and deleted', async (t) => {
  const clara = await newcomer('clara')
  const audioBase64 = `data:audio/webm;codecs=opus;base64,${webm.toString('base64')}`
  const saved = await clara.save({ ...practice, audioBase64 })
  t.equal(saved.status, 201)
  const { id, audio_url: audioUrl } = (await saved.json()) as Row
  t.match(audioUrl, /\.webm$/)

  const history = await clara.list()
  t.strictSame(history, [{ ...row, id, audio_url: audioUrl }])
  const played = await fetch(audioUrl ?? '')
  t.ok(Buffer.from(await played.arrayBuffer()).equals(webm))
  t.strictSame(await (await clara.get(id)).json(), history[0])

  const { weekly_progress: week, streak, total_minutes: total } = await clara.stats()
  t.match({ streak, total }, { streak: 1, total: 2 })
  t.match(week[6], { day: 'Sun', minutes: 2 })

  await clara.remove(id)
  t.strictSame(await clara.list(), [])
  t.equal((await clara.get(id)).status, 404)
  t.equal((await fetch(audioUrl ?? '')).ok, false)
  t.match(await clara.stats(), { streak: 0, total_minutes: 0 })
})

t.test('people without an e-mail address can sync and save, whatever their profile holds', async (t) => {
  const profiles: object[] = [
    { email: '', name: '' },
    { email: undefined, name: undefined, picture: undefined },
    { email: 5, name: null, picture: 'javascript:alert(1)' },
    { email: 'x'.repeat(400), name: 'x'.repeat(400) },
    { picture: `data:image/png;base64,${'A'.repeat(200_000)}` }
  ]
  for (const [index, profile] of profiles.entries()) {
    const person = frontend(`sms|${index}`)
    const answer = await person.sync(profile)
    t.match([answer.status, await answer.json()], [201, { auth0_id: person.sub, picture: null }])
    t.equal((await person.save(practice)).status, 201)
  }
  const impostor = await frontend('sms|impostor').sync({ sub: 'sms|0' })
  t.equal(impostor.status, 403)
})

t.test('a practice needs neither analysis nor score nor recording', async (t) => {
  const clara = await newcomer('plain')
  const { analysis: _, xml_content: __, ...plain } = practice
  t.equal((await clara.save(plain)).status, 201)
  t.match(await clara.list(), [
    { xml_content: null, analysis_summary: null, analysis_feedback: null, audio_url: null }
  ])
})

t.test('the page shows feedback where there is a summary: feedback alone stands in both', async (t) => {
  const clara = await newcomer('feedback')
  const cases = [
    [{ 'coach-feedback': 'Mind bar 12' }, 'Mind bar 12', 'Mind bar 12'],
    [{ performace_summary: '', 'coach-feedback': 'Mind bar 12' }, 'Mind bar 12', 'Mind bar 12'],
    [{ performace_summary: 'Steady' }, 'Steady', null],
    [{}, null, null]
  ] as const
  for (const [analysis, summary, feedback] of cases) {
    const saved = (await (await clara.save({ ...practice, date: undefined, analysis })).json()) as Row
    const read = (await (await clara.get(saved.id)).json()) as Row
    for (const found of [saved, read]) {
      t.strictSame([found.analysis_summary, found.analysis_feedback], [summary, feedback])
    }
  }
})

t.test('total_practice_seconds above 0 is the length of the practice', async (t) => {
  const clara = await newcomer('seconds')
  for (const [sent, kept] of [
    [95, 95],
    [0.6, 1],
    [0, 180],
    [-1, 180],
    [null, 180],
    [undefined, 180],
    [90_000, 86_400]
  ]) {
    const saved = await clara.save({ ...practice, date: undefined, total_practice_seconds: sent })
    t.match(await saved.json(), { duration_seconds: kept, total_practice_seconds: kept }, String(sent))
  }
})

t.test('an identical save is a repeat of the same session; without a date it is another one', async (t) => {
  const clara = await newcomer('twice')
  const body = { ...practice, audioBase64: webm.toString('base64') }
  const idOf = async (fields: object = {}) => {
    const response = await clara.save({ ...body, ...fields })
    return [response.status, ((await response.json()) as Row).id] as const
  }
  const [status, id] = await idOf()
  t.equal(status, 201)
  t.match(id, /^[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  t.strictSame(await idOf(), [200, id])
  t.strictSame(await idOf({ date: '2026-11-22T18:00:00+01:00' }), [200, id], 'the same moment')

  const changes = [
    { date: '2026-11-22T17:00:00.001Z' },
    { song_name: 'Für Elise ' },
    { total_practice_seconds: 96 },
    { audioBase64: '' },
    { analysis: null }
  ]
  const others = await Promise.all(changes.map((change) => idOf(change)))
  for (const [status] of others) t.equal(status, 201)
  t.equal(new Set([id, ...others.map(([, other]) => other)]).size, changes.length + 1)

  const undated = await Promise.all([1, 2].map(() => idOf({ date: undefined })))
  t.equal(new Set(undated.map(([, other]) => other)).size, 2)

  const robert = await newcomer('robert')
  t.equal((await robert.save(body)).status, 201, 'another user has another id')
  t.equal((await clara.list()).length, changes.length + 3)
})

t.test('equal saves at the same moment make one session', async (t) => {
  const clara = await newcomer('at-once')
  const statuses = await Promise.all(
    Array.from({ length: 5 }, async () => (await clara.save(practice)).status)
  )
  t.strictSame(statuses.sort(), [200, 200, 200, 200, 201])
  t.equal((await clara.list()).length, 1)
})

t.test('every error has a detail to show', async (t) => {
  const clara = await newcomer('errors')
  const detailOf = async (body: object) => ((await (await clara.save(body)).json()) as Problem).detail
  t.match(await detailOf({ ...practice, song_name: '' }), /^song_name must/)
  t.match(await detailOf({ ...practice, audioBase64: 'aGVsbG8=' }), /\w+ \w+/)
  t.match(await detailOf({ ...practice, audiobase64: '' }), /^audiobase64 must be written audioBase64/)
  t.match(await detailOf({ ...practice, date: 'yesterday' }), /^date must/)
  t.match(await detailOf({ ...practice, analysis: { 'coach-feedback': 5 } }), /coach-feedback/)
  for (const name of ['Coach-Feedback', 'coach_feedback', 'coachFeedback']) {
    t.match(
      await detailOf({ ...practice, analysis: { [name]: 'x' } }),
      `${name} must be written coach-feedback`
    )
  }
  const stranger = frontend('google-oauth2|stranger')
  const refused = await stranger.save(practice)
  t.match([refused.status, await refused.json()], [409, { detail: /sync/ }])
  t.strictSame(await stranger.list(), [])
})

t.test('/v0 needs a token, and answers an unknown path only to those who have one', async (t) => {
  for (const path of ['/v0/api/sessions', '/v0/api/nowhere', '/v0/nowhere', '/v0']) {
    isProblem(t, await app.inject(path), 'missing_token')
  }
  const clara = as('google-oauth2|clara')
  for (const path of ['/v0/api/nowhere', '/v0/sessions', '/v0']) {
    isProblem(t, await clara.call('GET', path), 'route_not_found')
  }
})

t.test("somebody else's session cannot be read or deleted", async (t) => {
  const [clara, robert] = [await newcomer('owner'), await newcomer('other')]
  const { id } = (await (await clara.save(practice)).json()) as Row
  t.equal((await robert.get(id)).status, 404)
  t.equal((await robert.remove(id)).status, 404)
  t.equal((await clara.list()).length, 1)
})
