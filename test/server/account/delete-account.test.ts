import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { User } from '../../../src/contract/users.ts'
import { createAccountRepository } from '../../../src/server/account/repository.ts'
import { reconcileRecordings } from '../../../src/server/reconcile/reconcile-recordings.ts'
import { build, startServices } from '../../helpers/app.ts'
import { untilBlocked } from '../../helpers/other-connection.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'

const services = await startServices(t)
const audioBase64 = (await fixture('recording.webm')).toString('base64')

async function newcomer(t: Test, env: NodeJS.ProcessEnv = {}) {
  const server = await build(t, { services, env })
  const who = server.as(`auth0|${randomUUID()}`)
  const { id: userId } = (await who.sync()).json<User>()
  const keys = async () => {
    const found = []
    for await (const { key } of server.app.storage.list(userId)) found.push(key)
    return found
  }
  const rows = async (table: string, column = 'user_id') =>
    (
      await query<{ count: string }>(
        services.database.url,
        `SELECT count(*) FROM ${table} WHERE ${column} = '${userId}'`
      )
    )[0]?.count
  const isGone = async () => {
    t.strictSame(await keys(), [])
    t.strictSame(
      [await rows('users', 'id'), await rows('sessions'), await rows('session_leases')],
      ['0', '0', '0']
    )
  }
  return { ...server, who, userId, keys, rows, isGone, removeMe: () => who.call('DELETE', '/api/users/me') }
}

t.test('an account is deleted with its sessions and recordings, and nothing of others', async (t) => {
  const { as, who, keys, isGone, removeMe } = await newcomer(t)
  const other = as(`auth0|${randomUUID()}`)
  await other.sync()
  const kept = (await other.save({ audioBase64 })).json<{ audioUrl: string }>()
  for (let i = 0; i < 10; i++) await who.save({ audioBase64 })
  for (let i = 0; i < 3; i++) await who.save({ xmlContent: '<score/>' })
  const { id } = (await who.save()).json<{ id: string }>()
  await who.call('POST', `/api/sessions/${id}/recording`, { contentType: 'audio/webm', bytes: 1000 })
  t.equal((await keys()).length, 10)

  t.equal((await removeMe()).statusCode, 204)
  await isGone()
  isProblem(t, await who.call('GET', '/api/users/me'), 'user_not_synced')
  isProblem(t, await who.save(), 'user_not_synced')
  t.strictSame((await who.list()).json(), [])
  t.equal((await fetch(kept.audioUrl)).status, 200)
  t.equal((await other.list()).json<unknown[]>().length, 1)
})

t.test('the deletion is safe to repeat, and a new sync makes an empty account', async (t) => {
  const { who, userId, removeMe } = await newcomer(t)
  await who.save()
  const answers = await Promise.all([removeMe(), removeMe(), removeMe()])
  t.ok(answers.every(({ statusCode }) => statusCode === 204))
  t.equal((await removeMe()).statusCode, 204)
  const again = await who.sync()
  t.equal(again.statusCode, 201)
  t.not(again.json<User>().id, userId)
  t.strictSame((await who.list()).json(), [])
})

t.test('a session of a new account has another entity tag than that of the deleted account', async (t) => {
  const { who, removeMe } = await newcomer(t)
  const id = randomUUID()
  const save = async () => {
    await who.sync()
    return (await who.save({ id })).headers['etag']
  }
  const before = await save()
  await removeMe()
  t.not(await save(), before)
})

t.test('what an earlier failure has left in the storage is removed, too', async (t) => {
  const { who, keys, userId, isGone, removeMe } = await newcomer(t)
  await who.save({ audioBase64 })
  await query(services.database.url, `DELETE FROM sessions WHERE user_id = '${userId}'`)
  t.equal((await keys()).length, 1)
  t.equal((await removeMe()).statusCode, 204)
  await isGone()
})

t.test('without the storage, the sessions are deleted, and a repeat removes the recordings', async (t) => {
  const { who, keys, rows, isGone, removeMe } = await newcomer(t)
  for (let i = 0; i < 3; i++) await who.save({ audioBase64 })
  await services.storage.stop()
  const { detail } = isProblem(t, await removeMe(), 'storage_unavailable')
  t.match(detail, /sessions are deleted.*repeat/i)
  t.equal(await rows('sessions'), '0')
  t.match((await who.call('GET', '/api/users/me')).json(), { email: null, name: null, session_count: 0 })
  await services.storage.start()
  t.equal((await keys()).length, 3)
  t.equal((await removeMe()).statusCode, 204)
  await isGone()
})

t.test('without a repeat, reconciliation removes the recordings', { skip: needsServerWithin }, async (t) => {
  const { app, who, keys, removeMe } = await newcomer(t)
  for (let i = 0; i < 3; i++) await who.save({ audioBase64 })
  await services.storage.stop()
  isProblem(t, await removeMe(), 'storage_unavailable')
  await services.storage.start()
  const { database, storage } = app
  await reconcileRecordings({ database, storage, minAgeMs: 0, remove: true, report: () => {} })
  t.strictSame(await keys(), [])
})

t.test('saves at the same moment leave neither a row nor a recording', async (t) => {
  const { who, isGone, removeMe } = await newcomer(t)
  await who.save({ audioBase64 })
  const saves = Array.from({ length: 6 }, (_, i) => who.save(i % 2 ? { audioBase64 } : {}))
  const [removed, ...saved] = await Promise.all([removeMe(), ...saves])
  t.ok([204, 503].includes(removed.statusCode), `${removed.statusCode}`)
  t.ok(saved.every(({ statusCode }) => [201, 409, 503].includes(statusCode)))
  t.equal((await removeMe()).statusCode, 204)
  await isGone()
})

/** Holds the next upload of a save to the storage until `go` is called. `begun` resolves when it has begun. */
function holdUpload(t: Test, { sessions: { storage } }: FastifyInstance) {
  const { upload } = storage
  const events = new EventEmitter()
  const begun = once(events, 'begin')
  storage.upload = async (wanted) => {
    storage.upload = upload
    events.emit('begin')
    await once(events, 'go')
    await upload(wanted)
  }
  t.teardown(() => {
    storage.upload = upload
  })
  return { begun, go: () => events.emit('go') }
}

t.test('the deletion waits for a save that uploads a recording', { skip: needsServerWithin }, async (t) => {
  const { app, who, isGone, removeMe } = await newcomer(t, { STORAGE_TIMEOUT_MS: '1000' })
  const { begun, go } = holdUpload(t, app)
  const saving = who.save({ audioBase64 })
  await begun
  isProblem(t, await removeMe(), 'session_busy')
  go()
  t.equal((await saving).statusCode, 201)
  t.equal((await removeMe()).statusCode, 204)
  await isGone()
})

for (const syncsAgain of [false, true]) {
  const title = `a save whose user is gone${syncsAgain ? ', and has a new account,' : ''} removes its recording`
  t.test(title, { skip: needsServerWithin }, async (t) => {
    const { app, who, userId, isGone } = await newcomer(t)
    const { begun, go } = holdUpload(t, app)
    const saving = who.save({ audioBase64 })
    await begun
    await query(services.database.url, `DELETE FROM users WHERE id = '${userId}'`)
    if (syncsAgain) await who.sync()
    go()
    isProblem(t, await saving, syncsAgain ? 'session_busy' : 'user_not_synced')
    await isGone()
  })
}

t.test(
  'an account with a write in doubt is deleted when the write cannot take effect any more',
  async (t) => {
    const { userId, rows, isGone, removeMe } = await newcomer(t, { STORAGE_TIMEOUT_MS: '500' })
    await query(
      services.database.url,
      `INSERT INTO session_leases (session_id, user_id, content_digest, expires_at)
      VALUES (gen_random_uuid(), '${userId}', repeat('0', 64), now() + interval '1 hour')`
    )
    isProblem(t, await removeMe(), 'session_busy')
    t.equal(await rows('users', 'id'), '1')
    await query(
      services.database.url,
      `UPDATE session_leases SET expires_at = now() WHERE user_id = '${userId}'`
    )
    t.equal((await removeMe()).statusCode, 204)
    await isGone()
  }
)

// The embedded database is one session.
t.test(
  'a new lease and the deletion of its user exclude each other',
  { skip: !services.database.real },
  async (t) => {
    const { app, userId, rows } = await newcomer(t)
    const deletion = await app.database.transaction(async (queries) => {
      await queries.$executeRaw`
      INSERT INTO session_leases (session_id, user_id, expires_at) VALUES (gen_random_uuid(), ${userId}::uuid, now())`
      const deleting = app.database.transaction((other) => createAccountRepository(other).deleteUser(userId))
      await untilBlocked(services.database.url)
      return { deleting }
    })
    t.equal(await deletion.deleting, false)
    t.equal(await rows('session_leases'), '1')
  }
)

t.test('uploads in staging are removed, also one that another has replaced', async (t) => {
  const { app, who, userId, removeMe } = await newcomer(t)
  const { id } = (await who.save()).json<{ id: string }>()
  const webm = Buffer.from(audioBase64, 'base64')
  const upload = { contentType: 'audio/webm', bytes: webm.length }
  const begin = async () =>
    (await who.call('POST', `/api/sessions/${id}/recording`, upload)).json<{ url: string; path: string }>()
  const { url, path } = await begin()
  await fetch(url, {
    method: 'PUT',
    body: new Uint8Array(webm),
    headers: { 'content-type': 'audio/webm' }
  })
  await begin()
  t.ok(await app.storage.staging.find(path))
  t.equal((await removeMe()).statusCode, 204)
  for await (const { key } of app.storage.staging.list(userId)) t.fail(key)
})
