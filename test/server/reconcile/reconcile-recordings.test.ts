import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import pg from 'pg'
import t from 'tap'
import type { Upload } from '../../../src/contract/recordings.ts'
import type { SessionData } from '../../../src/contract/sessions.ts'
import type { User } from '../../../src/contract/users.ts'
import type { Storage } from '../../../src/server/storage/storage.ts'
import type { BucketEntry } from '../../../src/server/storage/list-bucket.ts'
import { acquireLease } from '../../../src/server/sessions/leases/acquire-lease.ts'
import { createLeaseRepository, deleteLease } from '../../../src/server/sessions/leases/lease-repository.ts'
import { reconcileRecordings, type Finding } from '../../../src/server/reconcile/reconcile-recordings.ts'
import { build } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'

const { app, as, database } = await build(t)
const { storage } = app
const bytes = await fixture('recording.webm')
const HOUR = 3_600_000

async function newcomer() {
  const who = as(`auth0|${randomUUID()}`)
  const { id: userId } = (await who.sync()).json<User>()
  const save = async () => (await who.save({ audioBase64: bytes.toString('base64') })).json<SessionData>().id
  return { who, userId, save }
}

type Newcomer = Awaited<ReturnType<typeof newcomer>>

const put = (key: string) =>
  storage.upload({
    key,
    bytes: bytes.length,
    stream: () => Readable.from([bytes]),
    contentType: 'audio/webm',
    signal: new AbortController().signal
  })

type Settings = Partial<Omit<Parameters<typeof reconcileRecordings>[0], 'database' | 'report'>>

/** @returns the findings about one user; other tests leave findings of their own */
async function reconcile(about: string, settings: Settings = {}): Promise<Finding[]> {
  const findings: Finding[] = []
  await reconcileRecordings({
    database: app.database,
    storage,
    minAgeMs: 0,
    remove: false,
    ...settings,
    report: (finding) => findings.push(finding)
  })
  return findings.filter(({ key }) => key.startsWith(about))
}

t.test('sessions with their recordings, and sessions without one, are no finding', async (t) => {
  const { who, userId, save } = await newcomer()
  const id = await save()
  await who.save()
  t.strictSame(await reconcile(userId, { remove: true }), [])
  t.ok(await storage.exists(`${userId}/${id}.webm`))
})

t.test('a recording without a session is reported, and removed with `remove`', async (t) => {
  const { userId, save } = await newcomer()
  const kept = await save()
  const key = `${userId}/${randomUUID()}.webm`
  await put(key)
  t.strictSame(await reconcile(userId), [{ kind: 'leftover', key, removed: false }])
  t.ok(await storage.exists(key), 'it is only reported')
  t.strictSame(await reconcile(userId, { remove: true }), [{ kind: 'leftover', key, removed: true }])
  t.notOk(await storage.exists(key))
  t.ok(await storage.exists(`${userId}/${kept}.webm`))
  t.strictSame(await reconcile(userId), [])
})

t.test('an incomplete upload is reported, and removed, once it can no longer be completed', async (t) => {
  const { userId, save } = await newcomer()
  const key = `${userId}/${await save()}/${randomUUID()}-${bytes.length}`
  const { url } = await storage.staging.signUpload(key)
  await fetch(url, {
    method: 'PUT',
    body: new Uint8Array(bytes),
    headers: { 'content-type': 'audio/webm' }
  })
  t.strictSame(await reconcile(userId, { remove: true }), [], 'not within two hours')
  t.strictSame(await reconcile(userId, { uploadLifeMs: 0 }), [{ kind: 'unfinished', key, removed: false }])
  t.strictSame(
    await reconcile(userId, {
      uploadLifeMs: 0,
      remove: true,
      from: 'ffffffff-ffff-4fff-bfff-ffffffffffff'
    }),
    [{ kind: 'unfinished', key, removed: true }]
  )
  t.strictSame(await reconcile(userId, { uploadLifeMs: 0 }), [])
})

t.test('an open upload is not reported: it can be completed', async (t) => {
  const { who, userId } = await newcomer()
  const { id } = (await who.save()).json<SessionData>()
  const announced = { contentType: 'audio/webm', bytes: bytes.length }
  const begun = (await who.call('POST', `/api/sessions/${id}/recording`, announced)).json<Upload>()
  const headers = { 'content-type': 'audio/webm' }
  await fetch(begun.url, { method: 'PUT', body: new Uint8Array(bytes), headers })
  t.strictSame(await reconcile(userId, { uploadLifeMs: 0, remove: true }), [])
  const { uploadId } = begun
  const completed = await who.call('POST', `/api/sessions/${id}/recording/complete`, { uploadId })
  t.equal(completed.statusCode, 200)
})

t.test('a recording in another format than that of its session is a leftover', async (t) => {
  const { userId, save } = await newcomer()
  const id = await save()
  await put(`${userId}/${id}.mp3`)
  t.strictSame(await reconcile(userId, { remove: true }), [
    { kind: 'leftover', key: `${userId}/${id}.mp3`, removed: true }
  ])
  t.ok(await storage.exists(`${userId}/${id}.webm`))
})

t.test('a recording of a deleted user is a leftover', async (t) => {
  const { userId, save } = await newcomer()
  const key = `${userId}/${await save()}.webm`
  await query(database.url, `DELETE FROM users WHERE id = '${userId}'`)
  t.strictSame(await reconcile(userId, { remove: true }), [{ kind: 'leftover', key, removed: true }])
  t.notOk(await storage.exists(key))
})

t.test('a young leftover is neither removed nor reported: it may be in flight', async (t) => {
  const { userId } = await newcomer()
  const key = `${userId}/${randomUUID()}.webm`
  await put(key)
  t.strictSame(await reconcile(userId, { minAgeMs: HOUR, remove: true }), [])
  t.ok(await storage.exists(key))
})

t.test('a session whose recording is missing is reported, and stays', async (t) => {
  const { who, userId, save } = await newcomer()
  const [id] = [await save(), await save()]
  const key = `${userId}/${id}.webm`
  await storage.remove([key])
  const expected = [{ kind: 'missing', sessionId: id, key }]
  t.strictSame(await reconcile(userId), expected)
  t.strictSame(await reconcile(userId, { remove: true, minAgeMs: HOUR }), expected)
  t.equal((await who.get(id)).statusCode, 200)
})

t.test('a missing recording is found among thousands of sessions without one', async (t) => {
  const { who, userId } = await newcomer()
  const id = `ffffffff${randomUUID().slice(8)}` // the last one of its user
  await who.save({ id, audioBase64: bytes.toString('base64') })
  const key = `${userId}/${id}.webm`
  await storage.remove([key])
  await query(
    database.url,
    `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds)
      SELECT '${userId}', 'Ode to Joy', 'Piano', 60 FROM generate_series(1, 2500)`
  )
  const sent = t.capture(pg.Client.prototype, 'query', pg.Client.prototype.query)
  t.strictSame(await reconcile(userId), [{ kind: 'missing', sessionId: id, key }])
  const pages = sent().filter(({ args }) => JSON.stringify(args[0]).includes('ORDER BY user_id, id LIMIT'))
  t.ok(pages.length >= 3, 'no statement reads all of them')
})

t.test('a missing recording is reported, too, when it was the only object of its user', async (t) => {
  const { userId, save } = await newcomer()
  const id = await save()
  await storage.remove([`${userId}/${id}.webm`])
  t.strictSame(await reconcile(userId), [{ kind: 'missing', sessionId: id, key: `${userId}/${id}.webm` }])
})

t.test(
  'a recording that another session of the same user refers to, as after a manual repair, is no finding',
  async (t) => {
    const { userId, save } = await newcomer()
    const id = await save()
    const key = `${userId}/${randomUUID()}.webm`
    await put(key)
    await query(
      database.url,
      `UPDATE sessions SET audio_url = '${storage.publicUrl(key)}' WHERE id = '${id}'`
    )
    t.strictSame(await reconcile(userId, { remove: true }), [
      { kind: 'leftover', key: `${userId}/${id}.webm`, removed: true }
    ])
    t.ok(await storage.exists(key))
  }
)

t.test('objects that are not recordings are reported and left in place', async (t) => {
  const { userId } = await newcomer()
  const foreign = [
    'readme.txt',
    'backup/2026.tar',
    `${userId.toUpperCase()}/x.webm`,
    `${userId}/cover.png`,
    `${userId}/${randomUUID()}`,
    `${userId}/${randomUUID().toUpperCase()}.webm`
  ]
  for (const key of foreign) await put(key)
  for (const key of foreign) t.strictSame(await reconcile(key, { remove: true }), [{ kind: 'foreign', key }])
  for (const key of foreign) t.ok(await storage.exists(key), key)
  await put(`${userId}/folder/${randomUUID()}.webm`)
  t.strictSame(await reconcile(`${userId}/folder`, { remove: true }), [
    { kind: 'foreign', key: `${userId}/folder` }
  ])
})

t.test(
  'the findings are correct in any order of the listing, and with objects listed twice or not at all',
  async (t) => {
    const { userId, save } = await newcomer()
    const kept = [await save(), await save(), await save(), await save()]
    const [lost, ...stays] = kept.map((id) => `${userId}/${id}.webm`) as [string, ...string[]]
    await storage.remove([lost])
    const leftovers = Array.from({ length: 4 }, () => `${userId}/${randomUUID()}.webm`)
    for (const key of leftovers) await put(key)
    const shuffled = (shuffle: (entries: BucketEntry[]) => BucketEntry[]): Storage => ({
      ...storage,
      async *list(...args) {
        const entries: BucketEntry[] = []
        for await (const entry of storage.list(...args)) entries.push(entry)
        yield* shuffle(entries)
      }
    })
    const missing = { kind: 'missing', sessionId: kept[0], key: lost }
    const found = (keys: string[], removed = false) => [
      missing,
      ...keys.map((key) => ({ kind: 'leftover', key, removed }))
    ]
    const inOrder = (findings: object[]) => findings.map((finding) => JSON.stringify(finding)).sort()

    const backwards = await reconcile(userId, { storage: shuffled((entries) => entries.toReversed()) })
    t.strictSame(inOrder(backwards), inOrder(found(leftovers)), 'backwards')
    const rotated = await reconcile(userId, {
      storage: shuffled((entries) => [...entries.slice(3), ...entries.slice(0, 3)])
    })
    t.strictSame(inOrder(rotated), inOrder(found(leftovers)), 'rotated')
    const none = await reconcile(userId, {
      storage: shuffled((entries) => entries.filter(({ isFolder }) => isFolder))
    })
    t.strictSame(none, [missing], 'nothing but folders')
    const twice = await reconcile(userId, {
      remove: true,
      storage: shuffled((entries) => [...entries, ...entries])
    })
    t.strictSame(inOrder(twice), inOrder(found(leftovers, true)), 'twice')
    for (const key of stays) t.ok(await storage.exists(key), key)
  }
)

t.test(
  'thousands of sessions are read in pages, and matching ones are not looked up individually',
  async (t) => {
    const { userId } = await newcomer()
    const rows = await query<{ id: string }>(
      database.url,
      `
    INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, id, audio_url)
    SELECT '${userId}', 'Ode to Joy', 'Piano', 60, id, '${storage.publicUrl('')}/${userId}/' || id || '.webm' FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 2500)) AS ids
    RETURNING id`
    )
    const keys = rows.map(({ id }) => `${userId}/${id}.webm`).sort()
    const looks: string[] = []
    const full: Storage = {
      ...storage,
      async *list(folder) {
        for (const key of folder === '' ? [userId] : keys) {
          yield { key, isFolder: folder === '', modifiedAt: new Date() }
        }
      },
      exists: async (key) => {
        looks.push(key)
        return true
      }
    }
    t.strictSame(await reconcile('', { storage: full, from: userId }), [])
    await query(database.url, `DELETE FROM users WHERE id = '${userId}'`)
    t.strictSame(
      looks.filter((key) => key.startsWith(userId)),
      []
    )
  }
)

t.test('a run can be stopped, and continued from the user that it had reached', async (t) => {
  const users = await Promise.all(['Anna', 'Clara', 'Robert'].map(() => newcomer()))
  const [first, second, third] = users.sort((a, b) => (a.userId < b.userId ? -1 : 1)) as [
    Newcomer,
    Newcomer,
    Newcomer
  ]
  await put(`${first.userId}/${randomUUID()}.webm`)
  const lost = `${second.userId}/${await second.save()}.webm`
  await storage.remove([lost])
  await put(`${third.userId}/${randomUUID()}.webm`)
  const ours = (findings: Finding[]) =>
    findings.map(({ key }) => key.slice(0, 36)).filter((id) => users.some(({ userId }) => userId === id))

  const stop = new AbortController()
  const before: Finding[] = []
  let from = ''
  const report = (finding: Finding) => {
    before.push(finding)
    if (finding.key === lost) stop.abort(new Error('enough'))
  }
  const run = reconcileRecordings({
    database: app.database,
    storage,
    minAgeMs: 0,
    remove: false,
    signal: stop.signal,
    report,
    onUser: (userId) => {
      from = userId
    }
  })
  await t.rejects(run, { message: 'enough' })
  t.strictSame(ours(before), [first.userId, second.userId])
  t.equal(from, second.userId)
  t.strictSame(ours(await reconcile('', { from })), [second.userId, third.userId])
})

t.test('the uploaded object of a save in flight is not removed', async (t) => {
  const { userId } = await newcomer()
  const sessionId = randomUUID()
  const key = `${userId}/${sessionId}.webm`
  const { queries } = app.database
  const context = { repository: createLeaseRepository(queries, 60_000), leaseMs: 60_000, waitMs: 0 }
  await put(key)
  const lease = await acquireLease(context, { sessionId, userId, contentDigest: 'a'.repeat(64) })
  // The object is old enough, the lease is not.
  const findings: Finding[] = []
  const aged: Storage = {
    ...storage,
    async *list(...args) {
      for await (const entry of storage.list(...args)) yield { ...entry, modifiedAt: new Date(0) }
    }
  }
  await reconcileRecordings({
    database: app.database,
    storage: aged,
    minAgeMs: HOUR,
    remove: true,
    report: (finding) => findings.push(finding)
  })
  t.strictSame(
    findings.filter((finding) => finding.key === key),
    []
  )
  t.ok(await storage.exists(key))
  await deleteLease(queries, lease)
})

t.test('a save that commits between reading the table and listing the bucket is safe', async (t) => {
  const { who, userId, save } = await newcomer()
  let id = ''
  const slow: Storage = {
    ...storage,
    async *list(folder, ...rest) {
      if (folder === userId && id === '') id = await save()
      yield* storage.list(folder, ...rest)
    }
  }
  await save()
  t.strictSame(await reconcile(userId, { remove: true, storage: slow }), [])
  t.not(id, '')
  t.ok(await storage.exists(`${userId}/${id}.webm`))
  t.equal((await who.get(id)).statusCode, 200)
})

t.test(
  'a session that is deleted between listing the bucket and checking its recording is no finding',
  async (t) => {
    const { who, userId, save } = await newcomer()
    const id = await save()
    const slow: Storage = {
      ...storage,
      async *list(folder, ...rest) {
        for await (const entry of storage.list(folder, ...rest)) {
          if (entry.key === `${userId}/${id}.webm`) t.equal((await who.remove(id)).statusCode, 204)
          yield entry
        }
      }
    }
    t.strictSame(await reconcile(userId, { storage: slow }), [])
    t.equal((await who.get(id)).statusCode, 404)
  }
)

t.test(
  'with a minimum age of zero a running save is aborted and leaves neither row nor object',
  { skip: needsServerWithin },
  async (t) => {
    const { who, userId } = await newcomer()
    const id = randomUUID()
    const upload = storage.upload
    t.teardown(() => {
      storage.upload = upload
    })
    let findings: Finding[] = []
    storage.upload = async (wanted) => {
      await upload(wanted)
      findings = await reconcile(userId, { remove: true })
    }
    const response = await who.save({ id, audioBase64: bytes.toString('base64') })
    storage.upload = upload
    t.strictSame(findings, [{ kind: 'leftover', key: `${userId}/${id}.webm`, removed: true }])
    t.equal(response.statusCode, 503)
    t.equal(response.json<{ code: string }>().code, 'session_busy')
    t.equal((await who.get(id)).statusCode, 404)
    t.notOk(await storage.exists(`${userId}/${id}.webm`))
    t.equal(
      (await who.save({ id, audioBase64: bytes.toString('base64') })).statusCode,
      201,
      'repeating it succeeds'
    )
  }
)

t.test(
  'an interrupted deletion leaves a leftover, and repeating it finishes the work',
  { skip: needsServerWithin },
  async (t) => {
    const { who, userId, save } = await newcomer()
    const id = await save()
    const remove = storage.remove
    t.teardown(() => {
      storage.remove = remove
    })
    storage.remove = async () => {
      throw new Error('away')
    }
    t.equal((await who.remove(id)).statusCode, 500)
    storage.remove = remove
    t.strictSame(
      (await reconcile(userId)).map(({ kind }) => kind),
      ['leftover'],
      'the session has no recording any more'
    )
    t.equal((await who.remove(id)).statusCode, 204)
    t.strictSame(await reconcile(userId), [])
  }
)

t.test('expired leases are deleted, active ones stay', async (t) => {
  const { userId } = await newcomer()
  const [dead, living, young] = [randomUUID(), randomUUID(), randomUUID()]
  await query(
    database.url,
    `INSERT INTO session_leases (session_id, user_id, started_at, expires_at) VALUES
    ('${dead}', '${userId}', now() - interval '2 hours', now() - interval '1 hour'),
    ('${living}', '${userId}', now() - interval '2 hours', now() + interval '1 hour'),
    ('${young}', '${userId}', now() - interval '1 minute', now() - interval '1 second')`
  )
  const left = async () =>
    (
      await query<{ session_id: string }>(
        database.url,
        `SELECT session_id FROM session_leases WHERE user_id = '${userId}'`
      )
    )
      .map((row) => row.session_id)
      .sort()
  await reconcile(userId, { minAgeMs: HOUR })
  t.equal((await left()).length, 3, 'a report changes nothing')
  await reconcile(userId, { minAgeMs: HOUR, remove: true })
  t.strictSame(await left(), [living, young].sort())
})
