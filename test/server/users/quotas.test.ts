import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Upload } from '../../../src/contract/recordings.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'

const services = await startServices(t)
const recording = await fixture('recording.webm')
const audioBase64 = recording.toString('base64')

async function newcomer(t: Test, env: NodeJS.ProcessEnv) {
  const { as } = await build(t, { services, env })
  const who = as(`auth0|${randomUUID()}`)
  await who.sync()
  const save = async (fields = {}) => {
    const response = await who.save(fields)
    return { response, id: response.json<{ id: string }>().id }
  }
  const edit = (id: string, changes: object) => who.call('PATCH', `/api/sessions/${id}`, changes)
  return { who, save, edit }
}

const begin = (who: Caller, id: string, fields = {}) =>
  who.call('POST', `/api/sessions/${id}/recording`, {
    contentType: 'audio/webm',
    bytes: recording.length,
    ...fields
  })

t.test('an account holds a limited number of sessions, also when they are saved at once', async (t) => {
  const { who, save, edit } = await newcomer(t, { QUOTA_SESSIONS: '3' })
  const id = randomUUID()
  const saves = await Promise.all([save({ id }), save(), save(), save(), save()])
  const refused = saves.filter(({ response }) => response.statusCode !== 201)
  t.equal(refused.length, 2)
  for (const { response } of refused) {
    const { detail } = isProblem(t, response, 'quota_exceeded')
    t.match(detail, /up to 3 sessions/)
  }
  const kept = (await who.list()).json<Array<{ id: string }>>()
  t.equal(kept.length, 3)

  const known = kept[0]?.id ?? ''
  t.equal((await edit(known, { notes: 'slower' })).statusCode, 200, 'an edit adds no session')
  if (kept.some((session) => session.id === id)) t.equal((await save({ id })).response.statusCode, 200)
  t.equal((await who.remove(known)).statusCode, 204)
  t.equal((await save()).response.statusCode, 201)
})

t.test('a repeated save of a full account is recognised', async (t) => {
  const { save } = await newcomer(t, {
    QUOTA_SESSIONS: '1',
    QUOTA_TEXT_BYTES: '5',
    QUOTA_RECORDINGS_BYTES: '100000'
  })
  const session = { id: randomUUID(), notes: 'slow', audioBase64 }
  t.equal((await save(session)).response.statusCode, 201)
  t.equal((await save(session)).response.statusCode, 200)
})

t.test('an account holds a limited number of bytes of text', async (t) => {
  const { save, edit } = await newcomer(t, { QUOTA_TEXT_BYTES: '100' })
  const { id } = await save({ xmlContent: '<score/>'.padEnd(90) })
  isProblem(t, (await save({ notes: 'ü'.repeat(6) })).response, 'quota_exceeded')
  isProblem(t, await edit(id, { notes: 'ü'.repeat(6) }), 'quota_exceeded')
  t.equal((await edit(id, { notes: 'ü'.repeat(5) })).statusCode, 200)
  t.equal((await edit(id, { songName: 'Longer than before' })).statusCode, 200, 'a name is no text')
  t.equal((await edit(id, { xmlContent: null })).statusCode, 200)
  t.equal((await save({ analysis: 'x'.repeat(90) })).response.statusCode, 201)
})

t.test('a smaller quota than what an account holds forbids growth only', async (t) => {
  const generous = await newcomer(t, {})
  const { id } = await generous.save({ notes: 'x'.repeat(50) })
  const { as } = await build(t, { services, env: { QUOTA_TEXT_BYTES: '10' } })
  const who = as(generous.who.sub)
  const edit = (notes: string) => who.call('PATCH', `/api/sessions/${id}`, { notes })
  isProblem(t, await edit('x'.repeat(51)), 'quota_exceeded')
  t.equal((await edit('y'.repeat(50))).statusCode, 200)
  t.equal((await edit('x'.repeat(40))).statusCode, 200)
  t.equal((await who.get(id)).statusCode, 200)
})

t.test('an account holds a limited number of bytes of recordings', async (t) => {
  const { who, save } = await newcomer(t, { QUOTA_RECORDINGS_BYTES: String(recording.length * 2 - 1) })
  t.equal((await save({ audioBase64 })).response.statusCode, 201)
  isProblem(t, (await save({ audioBase64 })).response, 'quota_exceeded')
  t.equal((await who.list()).json<unknown[]>().length, 1, 'nothing of it is stored')

  const { id } = await save()
  isProblem(t, await begin(who, id), 'quota_exceeded')
})

t.test('the announced bytes of direct uploads count, also when they are begun at once', async (t) => {
  const { who, save } = await newcomer(t, { QUOTA_RECORDINGS_BYTES: String(recording.length * 2) })
  const ids = await Promise.all([save(), save(), save(), save(), save()])
  const begun = await Promise.all(ids.map(({ id }) => begin(who, id)))
  const [first = '', second = ''] = ids.map(({ id }) => id).filter((_, at) => begun[at]?.statusCode === 201)
  t.equal(begun.filter(({ statusCode }) => statusCode === 201).length, 2)
  for (const refused of begun.filter(({ statusCode }) => statusCode !== 201)) {
    t.match(isProblem(t, refused, 'quota_exceeded').detail, /recordings of an account/)
  }

  t.equal((await begin(who, first)).statusCode, 201, 'a new upload replaces the one of its session')
  t.equal((await begin(who, first, { bytes: recording.length - 1 })).statusCode, 201)
  isProblem(t, (await save({ audioBase64 })).response, 'quota_exceeded')
  t.equal((await who.call('DELETE', `/api/sessions/${first}/recording`)).statusCode, 204)
  t.equal((await who.remove(second)).statusCode, 204)
  t.equal((await save({ audioBase64 })).response.statusCode, 201, 'deleting gives the bytes back')
  t.equal((await save({ audioBase64 })).response.statusCode, 201)
})

t.test('a user has up to ten open uploads, also when they are begun at once', async (t) => {
  const { who, save } = await newcomer(t, {})
  const ids = (await Promise.all(Array.from({ length: 13 }, () => save()))).map(({ id }) => id)
  const begun = await Promise.all(ids.map((id) => begin(who, id)))
  const open = ids.filter((_, at) => begun[at]?.statusCode === 201)
  t.equal(open.length, 10)
  for (const refused of begun.filter(({ statusCode }) => statusCode !== 201)) {
    t.match(isProblem(t, refused, 'quota_exceeded').detail, /up to 10 open uploads/)
  }

  const [first = '', second = ''] = open
  const renewed = await begin(who, first, { uploadId: begun[ids.indexOf(first)]?.json<Upload>().uploadId })
  t.equal(renewed.statusCode, 201, 'renewing one needs no place')
  const { uploadId, url } = renewed.json<Upload>()
  const headers = { 'content-type': 'audio/webm' }
  await fetch(url, { method: 'PUT', body: new Uint8Array(recording), headers })
  const completion = `/api/sessions/${first}/recording/complete`
  t.equal((await who.call('POST', completion, { uploadId })).statusCode, 200)
  t.equal((await who.remove(second)).statusCode, 204)
  const late = ids.filter((id) => !open.includes(id))
  t.equal((await begin(who, late[0] ?? '')).statusCode, 201, 'a completed one is not open')
  t.equal((await begin(who, late[1] ?? '')).statusCode, 201, 'nor is one of a deleted session')
  isProblem(t, await begin(who, late[2] ?? ''), 'quota_exceeded')
})
