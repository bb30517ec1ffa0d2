import t from 'tap'
import { build, startServices } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const HOUR = 3_600_000
const audioBase64 = (await fixture('recording.webm')).toString('base64')

let clock = Date.parse('2026-11-22T22:00:00Z')
const now = () => new Date(clock)
const services = await startServices(t)
const { issuer, database } = services
const { app, as } = await build(t, { services, now })

/** Reads a URL on condition that it is not the version `tag`. */
async function read(sub: string, url: string, tag?: string, from = app) {
  const { statusCode, headers, body } = await from.inject({
    url,
    headers: {
      authorization: `Bearer ${issuer.token(sub)}`,
      ...(tag !== undefined && { 'if-none-match': tag })
    }
  })
  return { statusCode, headers, body, tag: String(headers.etag) }
}

async function newcomer(sub: string) {
  const who = as(sub)
  await who.sync()
  return who
}

for (const url of ['/api/sessions', '/api/sessions?limit=2', '/api/stats']) {
  t.test(`${url} answers 304 until a session changes`, async (t) => {
    const who = await newcomer(`auth0|${url}`)
    const { id } = (await who.save({ audioBase64 })).json<{
      id: string
    }>()
    await who.save()
    let { tag } = await read(who.sub, url)

    for (const known of [tag, `W/${tag}`, `"other", ${tag}`]) {
      const { statusCode, headers, body } = await read(who.sub, url, known)
      t.equal(statusCode, 304)
      t.equal(body, '')
      t.equal(headers.etag, tag)
      t.equal(headers['cache-control'], 'private, no-cache')
      t.match(headers.vary, /Authorization/)
      t.match(headers.vary, /Accept-Encoding/)
      t.match(headers.vary, /Origin/)
    }

    const changes: Record<string, () => Promise<unknown>> = {
      'a save': () => who.save(),
      'a write by somebody else': () =>
        query(database.url, `UPDATE sessions SET duration_seconds = 4000 WHERE id = '${id}'`),
      'a deletion': () => who.remove(id)
    }
    for (const [name, change] of Object.entries(changes)) {
      await change()
      const { statusCode, tag: newTag } = await read(who.sub, url, tag)
      t.equal(statusCode, 200, name)
      t.not(newTag, tag, name)
      t.equal((await read(who.sub, url, newTag)).statusCode, 304, name)
      tag = newTag
    }
  })
}

t.test('each user and each query has entity tags of its own', async (t) => {
  await newcomer('auth0|one')
  await newcomer('auth0|two')
  const urls = ['/api/sessions', '/api/sessions?limit=1', '/api/sessions?limit=2']
  const tags = []
  for (const sub of ['auth0|one', 'auth0|two']) for (const url of urls) tags.push((await read(sub, url)).tag)
  t.equal(new Set(tags).size, tags.length)
})

t.test('a user who was never synced gets an empty list without an entity tag', async (t) => {
  const { statusCode, headers, body } = await read('auth0|nobody', '/api/sessions', '*')
  t.equal(statusCode, 200)
  t.equal(body, '[]')
  t.equal(headers.etag, undefined)
})

t.test('stats of another day are another version', async (t) => {
  const who = await newcomer('auth0|midnight')
  await who.save()
  const { tag } = await read(who.sub, '/api/stats')
  clock += 4 * HOUR // Monday
  t.equal((await read(who.sub, '/api/stats', tag)).statusCode, 200)
})

t.test('a list with signed URLs is another version after half of their life', async (t) => {
  const signed = await build(t, {
    services,
    now,
    env: { RECORDINGS_ACCESS: 'private', RECORDING_LINK_SECONDS: '3600' }
  })
  const who = await newcomer('auth0|signed')
  await who.save({ audioBase64 })
  const { tag } = await read(who.sub, '/api/sessions', undefined, signed.app)
  t.equal((await read(who.sub, '/api/sessions', tag, signed.app)).statusCode, 304)
  clock += HOUR / 2
  t.equal((await read(who.sub, '/api/sessions', tag, signed.app)).statusCode, 200)
})
