import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const NOW = new Date('2026-11-22T18:03:00.000Z')
const { as, database } = await build(t, { now: () => NOW })
const clara = as('auth0|clara')
await clara.sync()
const webm = (await fixture('recording.webm')).toString('base64')

const whole = {
  songName: 'Ode to Joy',
  instrument: 'Piano',
  duration: 59.6,
  date: '2026-11-21T10:00:00Z',
  xmlContent: '<score/>',
  analysis: { summary: 'a', feedback: 'b', scoreAccuracy: 5 },
  audioBase64: webm
}

/** Values that any write changes: the version of each row and of the object. */
async function fingerprint(audioUrl: string | null) {
  const rows = await query(
    database.url,
    `SELECT s.xmin::text, s.ctid::text, u.xmin::text AS user_xmin
     FROM sessions s JOIN users u ON u.id = user_id ORDER BY s.id`
  )
  const { headers } = audioUrl ? await fetch(audioUrl, { method: 'HEAD' }) : new Response()
  return { rows, etag: headers.get('etag'), modified: headers.get('last-modified') }
}

t.test('the client may choose the id, in upper or lower case', async (t) => {
  const id = randomUUID()
  const response = await clara.save({ ...whole, id: id.toUpperCase() })
  t.equal(response.statusCode, 201)
  t.equal(response.headers.location, `/api/sessions/${id}`)
  const session = response.json<SessionData>()
  t.equal(session.id, id)
  t.match(session.audioUrl, new RegExp(`/${id}\\.webm$`), 'the key is lower case')
  t.equal((await clara.get(id.toUpperCase())).json<SessionData>().id, id)
})

t.test('saving the same content again answers 200 with the stored session and writes nothing', async (t) => {
  const id = randomUUID()
  const first = (await clara.save({ ...whole, id })).json<SessionData>()
  const before = await fingerprint(first.audioUrl)
  const { date: _, ...undated } = whole
  const repetitions: Array<Record<string, unknown>> = [
    whole,
    undated,
    { ...whole, id: id.toUpperCase() },
    { ...whole, duration: 60.4 },
    { ...whole, date: '2026-11-21T11:00:00.000+01:00' },
    { ...whole, audioBase64: `data:audio/mpeg;base64,${webm}` },
    { ...whole, mood: 'sunny', audioUrl: 'https://elsewhere.example' },
    { ...whole, analysis: { scoreAccuracy: 5, feedback: 'b', summary: 'a', extra: 1 } }
  ]
  for (const repetition of repetitions) {
    const again = await clara.save({ id, ...repetition })
    t.equal(again.statusCode, 200)
    t.strictSame(again.json(), first)
    t.equal(again.headers.location, undefined)
  }
  t.strictSame(await fingerprint(first.audioUrl), before)
})

t.test('a save without a date may be repeated without one, or with the date that it got', async (t) => {
  const id = randomUUID()
  await clara.save({ id })
  t.equal((await clara.save({ id })).statusCode, 200)
  t.equal((await clara.save({ id, date: NOW.toISOString() })).statusCode, 200)
  isProblem(t, await clara.save({ id, date: '2026-11-22T18:03:00.001Z' }), 'id_reused')
})

t.test('different content is refused, and the stored session stays unchanged', async (t) => {
  const id = randomUUID()
  const first = (await clara.save({ ...whole, id })).json<SessionData>()
  const before = await fingerprint(first.audioUrl)
  const others: Array<Record<string, unknown>> = [
    { songName: 'Ode to joy' },
    { instrument: 'Piano ' },
    { duration: 61 },
    { date: '2026-11-21T10:00:00.001Z' },
    { xmlContent: '' },
    { xmlContent: null },
    { analysis: null },
    { analysis: 'b' },
    { analysis: { summary: 'a', feedback: 'b', scoreAccuracy: 6 } },
    { analysis: { summary: 'a', feedback: null, scoreAccuracy: 5 } },
    { audioBase64: null },
    { audioBase64: (await fixture('recording.mp3')).toString('base64') },
    { audioBase64: webm.slice(0, -8) }
  ]
  for (const other of others) {
    t.comment(Object.keys(other)[0])
    isProblem(t, await clara.save({ ...whole, id, ...other }), 'id_reused')
  }
  t.strictSame(await fingerprint(first.audioUrl), before)
})

t.test(
  'empty and absent text are different content, and so are saves with and without a recording',
  async (t) => {
    const id = randomUUID()
    await clara.save({ id, xmlContent: '' })
    isProblem(t, await clara.save({ id }), 'id_reused')
    isProblem(t, await clara.save({ id, xmlContent: '', audioBase64: webm }), 'id_reused')
    t.equal((await clara.save({ id, xmlContent: '', audioBase64: '' })).statusCode, 200)
  }
)

t.test(
  'an id of another user is refused with the same answer as an own id, which reveals nothing',
  async (t) => {
    const robert = as('auth0|robert')
    await robert.sync()
    const id = randomUUID()
    await clara.save({ ...whole, id })
    const ownReuse = isProblem(t, await clara.save({ ...whole, id, duration: 5 }), 'id_reused')
    for (const fields of [
      { ...whole, id },
      { id },
      { ...whole, id, audioBase64: null },
      { id: id.toUpperCase() }
    ]) {
      t.strictSame(isProblem(t, await robert.save(fields), 'id_reused'), ownReuse)
    }
    t.strictSame((await robert.list()).json(), [])
    t.equal((await clara.get(id)).statusCode, 200)
  }
)

t.test('the id of a deleted session is free again, for every user', async (t) => {
  const emma = as('auth0|emma')
  await emma.sync()
  const id = randomUUID()
  for (const who of [clara, clara, emma]) {
    const response = await who.save({ ...whole, id })
    t.equal(response.statusCode, 201)
    t.equal((await fetch(response.json<SessionData>().audioUrl ?? '')).status, 200)
    t.equal((await who.remove(id)).statusCode, 204)
  }
  t.equal((await clara.save({ id, songName: 'Something else' })).statusCode, 201)
})

t.test('POST accepts the body that GET answers', async (t) => {
  const { audioBase64: _, ...silent } = whole
  for (const fields of [{}, silent, { ...silent, analysis: 'text' }]) {
    const { id } = (await clara.save(fields)).json<SessionData>()
    const session = (await clara.get(id)).json<SessionData>()
    const again = await clara.save({ ...session, duration: undefined })
    t.equal(again.statusCode, 200, 'under the same id it repeats the save')
    await clara.remove(id)
    const restored = await clara.call('POST', '/api/sessions', session)
    t.equal(restored.statusCode, 201, 'after a deletion it restores the session')
    t.strictSame((await clara.get(id)).json(), session)
  }
})

t.test('a session that is sent back with its audioUrl alone is stored without a recording', async (t) => {
  const { id } = (await clara.save(whole)).json<SessionData>()
  const session = (await clara.get(id)).json<SessionData>()
  isProblem(t, await clara.call('POST', '/api/sessions', session), 'id_reused')
  await clara.remove(id)
  const restored = await clara.call('POST', '/api/sessions', session)
  t.equal(restored.statusCode, 201)
  t.strictSame((await clara.get(id)).json(), { ...session, audioUrl: null })
})
