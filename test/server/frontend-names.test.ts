import t from 'tap'
import type { Problem } from '../../src/contract/problem.ts'
import type { SessionData } from '../../src/contract/sessions.ts'
import { toNewSession, toSyncUser } from '../../src/server/frontend-names.ts'
import { build } from '../helpers/app.ts'
import { fixture } from '../helpers/recordings.ts'

/** The calls of the deployed Harmony Helper frontend: over HTTP, from its own origin. */
const { app, issuer } = await build(t, { now: () => new Date('2026-11-22T18:03:00Z') })
const url = await app.listen({ host: '127.0.0.1', port: 0 })
const sub = 'google-oauth2|107'
const webm = await fixture('recording.webm')

async function call(path: string, body?: unknown) {
  const response = await fetch(`${url}/api${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${issuer.token(sub)}`,
      'content-type': 'application/json',
      origin: 'http://localhost:5173'
    },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  t.equal(response.headers.get('access-control-allow-origin'), 'http://localhost:5173')
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

const practice = {
  song_name: 'Für Elise',
  instrument: 'piano',
  duration_seconds: 180,
  total_practice_seconds: 95,
  date: '2026-11-22T17:00:00.000Z',
  xml_content: '<score-partwise/>',
  analysis: {
    performace_summary: 'Steady tempo',
    'coach-feedback': 'Mind bar 12',
    'user-spectrogram': 'iVBORw0KGgo=',
    'target-spectrogram': 'iVBORw0KGgo=',
    'marked-up-musicxml': '<score-partwise/>'
  },
  audioBase64: `data:audio/webm;codecs=opus;base64,${webm.toString('base64')}`
}

t.test('the frontend can sign in, save, list and show statistics', async (t) => {
  const user = await call('/users/sync', { email: 'clara@example.com', name: 'Clara', sub, picture: '' })
  t.equal(user.status, 201)
  t.match(user.json, { auth0_id: sub, name: 'Clara', picture: null })

  const saved = await call('/sessions', practice)
  t.equal(saved.status, 201)
  const audioUrl = String(saved.json['audio_url'])
  t.match(saved.json, {
    songName: 'Für Elise',
    durationSeconds: 95,
    date: practice.date,
    xmlContent: '<score-partwise/>',
    analysis: { summary: 'Steady tempo', feedback: 'Mind bar 12', scoreAccuracy: null },
    audioUrl
  })

  const history = (await call('/sessions')).json as unknown as Array<{ audio_url: string }>
  t.match(history, [
    { song_name: 'Für Elise', instrument: 'piano', duration_seconds: 95, audio_url: audioUrl }
  ])
  const played = await fetch(history[0]?.audio_url ?? '')
  t.ok(Buffer.from(await played.arrayBuffer()).equals(webm))

  const { json: stats } = await call('/stats')
  t.match(stats, { streak: 1, total_minutes: 2 })
  t.match((stats['weekly_progress'] as unknown[])[6], { day: 'Sun', minutes: 2 })
})

t.test('the frontend can save without analysis and recording', async (t) => {
  const { analysis: _, ...plain } = practice
  const { status, json } = await call('/sessions', { ...plain, audioBase64: '', total_practice_seconds: 0 })
  t.equal(status, 201)
  t.match(json, { durationSeconds: 180, analysis: null, audioUrl: null, audio_url: null })
})

t.test('total_practice_seconds is the duration if it is positive, otherwise another field is', async (t) => {
  for (const [sent, kept] of [
    [95, 95],
    [0, 180],
    [-1, 180],
    [null, 180],
    [undefined, 180],
    [0.6, 1]
  ]) {
    t.equal(
      (await call('/sessions', { ...practice, audioBase64: '', total_practice_seconds: sent })).json[
        'durationSeconds'
      ],
      kept,
      String(sent)
    )
  }
})

t.test('every error has a detail to show', async (t) => {
  const { status, json } = await call('/sessions', { ...practice, song_name: '' })
  t.equal(status, 400)
  t.match((json as unknown as Problem).detail, /^songName must/)
})

t.test('the development origins may call the API and read the exposed headers', async (t) => {
  for (const origin of ['http://localhost:5173', 'http://localhost:8080']) {
    const { status, headers } = await fetch(`${url}/api/sessions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type'
      }
    })
    t.equal(status, 204)
    t.equal(headers.get('access-control-allow-origin'), origin)
  }
})

t.test('a documented name takes precedence', (t) => {
  t.match(
    toNewSession({
      songName: 'a',
      song_name: 'b',
      duration: 1,
      total_practice_seconds: 2,
      durationSeconds: 3,
      duration_seconds: 4,
      xmlContent: null,
      xml_content: 'x'
    }),
    { songName: 'a', duration: 1, xmlContent: null }
  )
  t.match(toNewSession({ durationSeconds: 3, duration_seconds: 4 }), { duration: 3 })
  t.match(
    toNewSession({
      analysis: { summary: 'a', performace_summary: 'b', feedback: null, 'coach-feedback': 'c' }
    }),
    { analysis: { summary: 'a', feedback: null } }
  )
  t.match(toSyncUser({ auth0_id: 'a', sub: 'b', timeZone: null, time_zone: 'UTC' }), {
    auth0_id: 'a',
    timeZone: null
  })
  t.end()
})

t.test('absent fields stay absent, and a body that is no object stays as it is', (t) => {
  t.notOk('songName' in (toNewSession({}) as SessionData))
  t.notOk('auth0_id' in (toSyncUser({}) as object))
  for (const body of [null, undefined, 'text', 5, [1]]) {
    t.equal(toNewSession(body), body)
    t.equal(toSyncUser(body), body)
  }
  t.match(toNewSession({ analysis: ['x'] }), { analysis: ['x'] })
  t.end()
})
