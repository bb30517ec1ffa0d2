import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import t from 'tap'
import type { Upload } from '../../../src/contract/recordings.ts'
import type { SessionData } from '../../../src/contract/sessions.ts'
import type { User } from '../../../src/contract/users.ts'
import { cannotBeCompleted } from '../../../src/server/reconcile/cannot-be-completed.ts'
import { claimRound } from '../../../src/server/reconcile/plugin.ts'
import { cleanUpStaging } from '../../../src/server/reconcile/clean-up-staging.ts'
import { cleanUp, type CleanUpOptions } from '../../../src/server/reconcile/clean-up.ts'
import { build, type Caller } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const { app, as, database } = await build(t)
const { storage } = app
const webm = await fixture('recording.webm')

const OPTIONS: CleanUpOptions = { database: app.database, storage, log: app.log, isOver: () => false }
const run = (options: Partial<CleanUpOptions> = {}) => cleanUp({ ...OPTIONS, ...options })

async function newcomer() {
  const who = as(`auth0|${randomUUID()}`)
  const { id: userId } = (await who.sync()).json<User>()
  const id = (await who.save()).json<SessionData>().id
  return { who, userId, id }
}

async function upload(who: Caller, id: string): Promise<Upload> {
  const begun = { contentType: 'audio/webm', bytes: webm.length }
  const upload = (await who.call('POST', `/api/sessions/${id}/recording`, begun)).json<Upload>()
  const headers = { 'content-type': 'audio/webm' }
  await fetch(upload.url, { method: 'PUT', body: new Uint8Array(webm), headers })
  return upload
}

const complete = (who: Caller, id: string, { uploadId }: Upload) =>
  who.call('POST', `/api/sessions/${id}/recording/complete`, { uploadId })

const put = (key: string) =>
  storage.upload({
    key,
    bytes: webm.length,
    stream: () => Readable.from([webm]),
    contentType: 'audio/webm',
    signal: new AbortController().signal
  })

const expire = (id: string) =>
  query(
    database.url,
    `UPDATE open_uploads SET expires_at = now() - interval '1 s' WHERE session_id = '${id}'`
  )

async function recordingsBytes(userId: string) {
  const [row] = await query<{ recordings_bytes: string }>(
    database.url,
    `SELECT recordings_bytes FROM users WHERE id = '${userId}'`
  )
  return Number(row?.recordings_bytes)
}

const lease = (id: string, userId: string, expiresAt: string) =>
  query(
    database.url,
    `INSERT INTO session_leases (session_id, user_id, holder, content_digest, started_at, expires_at)
     VALUES ('${id}', '${userId}', gen_random_uuid(), '${'0'.repeat(64)}', now() - interval '1 h', ${expiresAt})`
  )

t.test('an expired upload is ended: its objects are gone, and its bytes are free', async (t) => {
  const { who, userId, id } = await newcomer()
  const begun = await upload(who, id)
  const key = `${userId}/${id}.webm`
  await put(key) // as a completion leaves it that died
  t.equal((await run()).uploads, 0, 'not before it has expired')
  t.equal(await recordingsBytes(userId), webm.length)
  const tag = (await who.get(id)).headers.etag

  await expire(id)
  t.equal((await run()).uploads, 1)
  t.equal(await storage.staging.find(begun.path), null)
  t.notOk(await storage.exists(key))
  t.equal(await recordingsBytes(userId), 0)
  t.equal((await who.get(id)).headers.etag, tag, 'the session is unchanged')
  isProblem(t, await complete(who, id, begun), 'upload_not_found')
  t.equal((await complete(who, id, await upload(who, id))).statusCode, 200, 'another one can be begun')
})

t.test('an upload that was completed or renewed is not ended', async (t) => {
  const { who, userId, id } = await newcomer()
  const begun = await upload(who, id)
  await expire(id)
  await who.call('POST', `/api/sessions/${id}/recording`, {
    contentType: 'audio/webm',
    bytes: webm.length,
    uploadId: begun.uploadId
  })
  t.equal((await run()).uploads, 0)
  t.equal((await complete(who, id, begun)).statusCode, 200)
  // The previous release completes uploads and does not know the table.
  await query(database.url, `INSERT INTO open_uploads VALUES ('${id}', '${userId}', now())`)
  t.equal((await run()).uploads, 1)
  const { audioUrl } = (await who.get(id)).json<SessionData>()
  t.equal((await fetch(audioUrl ?? '')).status, 200)
  t.equal(await recordingsBytes(userId), webm.length)
})

t.test('an upload whose session a request works on is left for later', async (t) => {
  const { who, userId, id } = await newcomer()
  const begun = await upload(who, id)
  await expire(id)
  await lease(id, userId, "now() + interval '1 min'")
  t.match(await run({ minAgeMs: 0 }), { uploads: 0, staged: 0 })
  t.not(await storage.staging.find(begun.path), null)
  await query(database.url, `DELETE FROM session_leases WHERE session_id = '${id}'`)
  t.equal((await run()).uploads, 1)
})

t.test('an expired lease and its object are removed, and a current one stays', async (t) => {
  const { who, userId } = await newcomer()
  const saved = (await who.save({ audioBase64: webm.toString('base64') })).json<SessionData>().id
  const [died, alive] = [randomUUID(), randomUUID()]
  for (const id of [died, alive]) await put(`${userId}/${id}.webm`)
  await lease(died, userId, "now() - interval '1 s'")
  await lease(alive, userId, "now() + interval '1 min'")
  await lease(saved, userId, "now() - interval '1 s'")

  t.match(await run({ minAgeMs: 7_200_000 }), { leases: 0 }, 'not while it is young')
  t.match(await run({ minAgeMs: 60_000 }), { leases: 2, recordings: 1 })
  t.notOk(await storage.exists(`${userId}/${died}.webm`))
  t.ok(await storage.exists(`${userId}/${alive}.webm`))
  t.ok(await storage.exists(`${userId}/${saved}.webm`), 'a session refers to it')
  t.same(await query(database.url, 'SELECT session_id FROM session_leases'), [{ session_id: alive }])
})

t.test('staged objects that cannot become a recording are removed, an open upload stays', async (t) => {
  const { who, id } = await newcomer()
  const [replaced, open] = [await upload(who, id), await upload(who, id)]
  t.equal((await run()).staged, 0, 'not while they are young')
  t.equal((await run({ minAgeMs: 0 })).staged, 1)
  t.equal(await storage.staging.find(replaced.path), null)
  t.equal((await complete(who, id, open)).statusCode, 200)
})

t.test('an expired upload stays in staging until it is ended, under a lease', async (t) => {
  const { who, id } = await newcomer()
  const { path } = await upload(who, id)
  await expire(id)
  t.equal((await cleanUpStaging({ ...OPTIONS, minAgeMs: 0 })).staged, 0)
  t.not(await storage.staging.find(path), null)
  t.match(await run(), { uploads: 1 })
})

t.test('an object in staging stays while a request works on its session', async (t) => {
  const { who, userId, id } = await newcomer()
  await upload(who, id)
  await query(database.url, `DELETE FROM open_uploads WHERE session_id = '${id}'`)
  await lease(id, userId, "now() + interval '1 min'")
  t.equal((await run({ minAgeMs: 0 })).staged, 0)
  await query(database.url, `DELETE FROM session_leases WHERE session_id = '${id}'`)
  t.equal((await run({ minAgeMs: 0 })).staged, 1)
})

t.test('a staged object counts as young if its time is missing', async (t) => {
  const { queries } = app.database
  t.ok(await cannotBeCompleted(queries, { key: 'a/b/c', modifiedAt: new Date(0) }, 0))
  t.notOk(await cannotBeCompleted(queries, { key: 'a/b/c', modifiedAt: new Date(NaN) }, 0))
})

t.test('a round ends where it is told to, and the next one goes on in staging', async (t) => {
  const uploads = []
  for (const { who, id } of [await newcomer(), await newcomer()]) {
    uploads.push(await upload(who, id), await upload(who, id))
  }
  let looks = 0
  const first = await run({ minAgeMs: 0, isOver: () => looks++ > 1 })
  t.type(first.next, 'string')
  const second = await run({ minAgeMs: 0, from: first.next })
  t.equal(first.staged + second.staged, 2)
  t.equal(second.next, undefined)
})

t.test('one instance claims a round', async (t) => {
  const { queries } = app.database
  const claims = await Promise.all(Array.from({ length: 5 }, () => claimRound(queries, 60_000)))
  t.equal(claims.filter(Boolean).length, 1)
  t.notOk(await claimRound(queries, 60_000))
  t.ok(await claimRound(queries, 0))
})
