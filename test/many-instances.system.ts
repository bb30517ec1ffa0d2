/** Three instances of the built server on PgBouncer in transaction mode, Redis and PostgreSQL. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { BuiltServer } from './helpers/built-server.ts'
import { daysAgo, startLoad } from './helpers/instances-load.ts'
import { startInstances, type Answer, type Client } from './helpers/instances.ts'
import { needsPgBouncer } from './helpers/pgbouncer.ts'
import { fixture } from './helpers/recordings.ts'
import { needsRedis } from './helpers/redis.ts'
import { needsRealServer, query } from './helpers/scratch-database.ts'

const skip = needsRealServer || needsRedis || needsPgBouncer
const INSTANCES = 3
const RATE_LIMIT = 300

t.setTimeout(180_000)

const webm = await fixture('recording.webm')
const audioBase64 = webm.toString('base64')
const statuses = (answers: Answer[]) => answers.map(({ status }) => status).sort()

/** Consecutive days in UTC with a session, back from today, or from yesterday while today has none. */
function countStreak(dates: string[]): number {
  const days = new Set(dates.map((date) => date.slice(0, 10)))
  const first = days.has(daysAgo(0).slice(0, 10)) ? 0 : 1
  let streak = 0
  while (days.has(daysAgo(first + streak).slice(0, 10))) streak++
  return streak
}

t.test('many instances act as one server', { skip }, async (t) => {
  const { services, env, instances, start, as } = await startInstances(t, INSTANCES, {
    RATE_LIMIT: String(RATE_LIMIT),
    SESSION_LEASE_MS: '2000',
    DRAIN_DELAY_MS: '300'
  })
  const at = (turn: number) => instances[turn % instances.length]!
  const everywhere = <T>(work: (instance: BuiltServer) => Promise<T>) => Promise.all(instances.map(work))
  const synced = async () => {
    const client = as(`auth0|${randomUUID()}`)
    await client.sync(at(0))
    return client
  }

  /** All instances show the same history, and its figures are those of a naive count. */
  async function expectCounted(t: Test, client: Client) {
    const lists = await everywhere(client.list)
    for (const list of lists) t.strictSame(list, lists[0], 'the same history everywhere')
    const list = lists[0] ?? []
    const seconds = list.reduce((sum, session) => sum + session.duration_seconds, 0)
    const [stats] = await everywhere((instance) => client.call(instance, { path: '/api/stats' }))
    t.match(stats?.json, {
      streak: countStreak(list.map(({ date }) => date)),
      total_minutes: Math.round(seconds / 60)
    })
    const { json: account } = await client.call(at(1), { path: '/api/users/me' })
    const recorded = list.filter(({ audio_url: url }) => url !== null)
    t.match(account, { session_count: list.length, recordings_bytes: recorded.length * webm.length })
    return list
  }

  t.test('one save sent to all at once is one session', async (t) => {
    const client = await synced()
    for (const fields of [{}, { audioBase64 }, {}, { audioBase64 }]) {
      const id = randomUUID()
      const answers = await everywhere((instance) => client.save(instance, { id, ...fields }))
      t.strictSame(statuses(answers), [200, 200, 201])
      t.equal(new Set(answers.map(({ json }) => JSON.stringify(json))).size, 1)
    }
    t.equal((await expectCounted(t, client)).length, 4)
  })

  t.test('different saves of one user at once all count', async (t) => {
    const client = await synced()
    const save = (turn: number) =>
      client.save(at(turn), {
        duration: 30 + turn,
        date: daysAgo(turn % 5),
        ...(turn % 4 === 0 && { audioBase64 })
      })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, turn) => save(turn)))
    t.strictSame(statuses(answers), Array(40).fill(201))
    const list = await expectCounted(t, client)
    t.equal(list.length, 40)
  })

  t.test('of edits of one version one succeeds; edits of different members all do', async (t) => {
    const client = await synced()
    const saved = await client.save(at(0), {})
    const path = `/api/sessions/${saved.json.id}`
    const edit = (instance: BuiltServer, body: object, headers = {}) =>
      client.call(instance, { method: 'PATCH', path, body, headers })
    const versions = await everywhere((instance) =>
      edit(instance, { notes: instance.url }, { 'if-match': saved.etag })
    )
    t.strictSame(statuses(versions), [200, 412, 412])
    const winner = versions.find(({ status }) => status === 200)
    const bodies = [{ songName: 'Träumerei' }, { duration: 90 }, { instrument: 'Violin' }]
    await Promise.all(bodies.map((body, turn) => edit(at(turn), body)))
    const read = await everywhere((instance) => client.call(instance, { path }))
    for (const { json } of read) {
      t.match(json, {
        songName: 'Träumerei',
        durationSeconds: 90,
        instrument: 'Violin',
        notes: winner?.json.notes
      })
    }
    await expectCounted(t, client)
  })

  t.test('deletions race with each other, with saves and with edits', async (t) => {
    const client = await synced()
    for (let turn = 0; turn < 4; turn++) {
      const id = randomUUID()
      const path = `/api/sessions/${id}`
      const fields = { id, ...(turn % 2 === 0 && { audioBase64 }) }
      await client.save(at(turn), fields)
      const removals = await everywhere((instance) => client.call(instance, { method: 'DELETE', path }))
      t.ok(removals.some(({ status }) => status === 204))
      t.ok(
        removals.every(({ status }) => status === 204 || status === 404),
        String(statuses(removals))
      )

      await client.save(at(turn), fields)
      const [removed, , edited] = await Promise.all([
        client.call(at(turn), { method: 'DELETE', path }),
        client.save(at(turn + 1), fields),
        client.call(at(turn + 2), { method: 'PATCH', path, body: { notes: 'slower' } })
      ])
      t.equal(removed.status, 204)
      t.match(String(edited.status), /200|404|503/)
    }
    await expectCounted(t, client)
  })

  t.test('a direct upload begun at one instance is completed at the others', async (t) => {
    const client = await synced()
    const { json: session } = await client.save(at(0), {})
    const path = `/api/sessions/${session.id}/recording`
    const { json: upload } = await client.call(at(1), {
      method: 'POST',
      path,
      body: { contentType: 'audio/webm', bytes: webm.length }
    })
    const sent = await fetch(upload.url, {
      method: 'PUT',
      headers: { 'content-type': upload.contentType },
      body: new Uint8Array(webm)
    })
    t.equal(sent.status, 200)
    const completed = await everywhere((instance) =>
      client.call(instance, {
        method: 'POST',
        path: `${path}/complete`,
        body: { uploadId: upload.uploadId }
      })
    )
    t.strictSame(statuses(completed), [200, 200, 200])
    const [{ audio_url: url = '' } = {}] = await expectCounted(t, client)
    t.ok(webm.equals(Buffer.from(await (await fetch(url ?? '')).arrayBuffer())))
  })

  t.test('the rate limit of a user counts the requests to all', async (t) => {
    const client = await synced()
    const limited: number[] = []
    const begun = performance.now()
    const worker = async (turn: number) => {
      for (let count = 0; count < RATE_LIMIT / 10 + 4; count++) {
        limited.push((await client.call(at(turn + count), { path: '/api/sessions?limit=1' })).status)
      }
    }
    await Promise.all(Array.from({ length: 10 }, (_, turn) => worker(turn)))
    if (performance.now() - begun > 9000) return t.pass('too slow to be within one window of ten seconds')
    // The sync counts, too.
    t.equal(limited.filter((status) => status === 200).length, RATE_LIMIT - 1)
    t.equal(limited.filter((status) => status === 429).length, 41)
  })

  t.test(
    'one is killed, one is added, one is stopped: nothing is lost, and no request fails twice',
    async (t) => {
      const clients = await Promise.all(Array.from({ length: 6 }, synced))
      const load = startLoad(clients, () => instances, audioBase64)
      await sleep(1000)
      const killed = at(0)
      load.wasKilled(killed)
      killed.kill('SIGKILL')
      await sleep(1000)
      instances.splice(0, 1, await start())
      const before = load.count()
      await sleep(500)
      t.ok(load.count() > before, 'the new one serves')
      const [stopped] = instances.splice(1, 1)
      stopped!.kill('SIGTERM')
      t.strictSame(await stopped!.exited, [0, null])
      const { failures, cut, stored, removed, total } = await load.stop()
      t.comment(`${total} requests, ${cut} cut and repeated`)
      t.strictSame(failures, [])
      t.ok(cut > 0, 'some requests were cut')
      const ids = new Set(
        (await Promise.all(clients.map((client) => expectCounted(t, client)))).flat().map(({ id }) => id)
      )
      t.strictSame(
        [...stored].filter((id) => !ids.has(id)),
        [],
        'what was acknowledged is there'
      )
      t.strictSame(
        [...removed].filter((id) => ids.has(id)),
        [],
        'what was deleted is gone'
      )
    }
  )

  t.test('afterwards bucket, table and figures agree', async (t) => {
    const run = async (command: string, ...args: string[]) => {
      const program = fileURLToPath(new URL(`../dist/server/commands/${command}.js`, import.meta.url))
      const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], {
        env: { PATH: process.env['PATH'], ...env }
      })
      return stdout
    }
    const [figures] = await Promise.all([
      run('reconcile-figures'),
      run('reconcile-recordings', '--delete', '--min-age', '0')
    ])
    t.match(figures, '0 left with wrong figures')
    t.strictSame(
      await query(services.database.url, 'SELECT * FROM session_leases WHERE expires_at > now()'),
      []
    )
  })
})
