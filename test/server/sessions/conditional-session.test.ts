import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import type { Upload } from '../../../src/contract/recordings.ts'
import { build, startServices } from '../../helpers/app.ts'
import { fixture, largeScore } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const HOUR = 3_600_000
const webm = await fixture('recording.webm')
const audioBase64 = webm.toString('base64')

let clock = Date.parse('2026-11-22T18:03:00Z')
const now = () => new Date(clock)
const services = await startServices(t)
const { app, as, issuer, database } = await build(t, { services, now })
const clara = as('auth0|clara')
await clara.sync()

/** Reads a session on condition that it is not the version `tag`. */
async function read(id: string, tag?: string, from = app) {
  const { statusCode, headers, body } = await from.inject({
    url: `/api/sessions/${id}`,
    headers: {
      authorization: `Bearer ${issuer.token(clara.sub)}`,
      ...(tag !== undefined && { 'if-none-match': tag })
    }
  })
  return { statusCode, headers, body, tag: String(headers.etag) }
}

const idOf = (response: { json: <T>() => T }) => response.json<SessionData>().id

t.test('saving, repeating and reading a session give one entity tag', async (t) => {
  for (const fields of [{}, { audioBase64 }, { xmlContent: largeScore(200_000) }]) {
    const id = randomUUID()
    const first = await clara.save({ id, ...fields })
    const again = await clara.save({ id, ...fields })
    const { tag, headers } = await read(id)
    t.match(tag, /^"\d+"$/)
    t.strictSame([first.headers.etag, again.headers.etag], [tag, tag])
    t.equal(headers['cache-control'], 'private, no-cache')
    t.match(headers.vary, /Authorization/)
    const unchanged = await read(id, `"other", W/${tag}`)
    t.strictSame([unchanged.statusCode, unchanged.body, unchanged.tag], [304, '', tag])
  }
})

t.test('each write gives another entity tag, whoever writes', async (t) => {
  const id = idOf(await clara.save())
  let { tag } = await read(id)
  const changes: Record<string, () => Promise<unknown>> = {
    'a direct upload': async () => {
      const path = `/api/sessions/${id}/recording`
      const begun = await clara.call('POST', path, { contentType: 'audio/webm', bytes: webm.length })
      const { url, contentType, uploadId } = begun.json<Upload>()
      await fetch(url, {
        method: 'PUT',
        body: new Uint8Array(webm),
        headers: { 'content-type': contentType }
      })
      const completed = await clara.call('POST', `${path}/complete`, { uploadId })
      t.equal(completed.headers.etag, (await read(id)).tag)
    },
    'the deletion of the recording': () => clara.call('DELETE', `/api/sessions/${id}/recording`),
    SQL: () => query(database.url, `UPDATE sessions SET duration_seconds = 4000 WHERE id = '${id}'`)
  }
  for (const [name, change] of Object.entries(changes)) {
    await change()
    const changed = await read(id, tag)
    t.equal(changed.statusCode, 200, name)
    t.not(changed.tag, tag, name)
    tag = changed.tag
  }
})

t.test('a session under the id of a deleted one has an entity tag of its own', async (t) => {
  const id = randomUUID()
  const tags = new Set<string>()
  for (const songName of ['Ode', 'Joy', 'Elise']) {
    await clara.save({ id, songName })
    tags.add((await read(id)).tag)
    await clara.remove(id)
  }
  t.equal(tags.size, 3)
})

t.test('signed URLs are another version after half of their life', async (t) => {
  const env = { RECORDINGS_ACCESS: 'private', RECORDING_LINK_SECONDS: '3600' }
  const signed = await build(t, { services, now, env })
  const id = idOf(await clara.save({ audioBase64 }))
  const { tag } = await read(id, undefined, signed.app)
  t.equal((await read(id, tag, signed.app)).statusCode, 304)
  clock += HOUR / 2
  t.equal((await read(id, tag, signed.app)).statusCode, 200)
})

t.test('a version that the client has costs no signed URL', async (t) => {
  const signed = await build(t, { services, now, env: { RECORDINGS_ACCESS: 'private' } })
  const id = idOf(await clara.save({ audioBase64 }))
  const { tag } = await read(id, undefined, signed.app)
  const away = await build(t, {
    services,
    now,
    env: { RECORDINGS_ACCESS: 'private', SUPABASE_URL: 'http://127.0.0.1:1' }
  })
  t.equal((await read(id, undefined, away.app)).statusCode, 503)
  t.equal((await read(id, tag, away.app)).statusCode, 304)
})
