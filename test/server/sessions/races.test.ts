import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { loadConfig } from '../../../src/server/config.ts'
import { createDatabase } from '../../../src/server/database/client.ts'
import { createStorage } from '../../../src/server/storage/storage.ts'
import { reconcileRecordings, type Finding } from '../../../src/server/reconcile/reconcile-recordings.ts'
import { acquireLease } from '../../../src/server/sessions/leases/acquire-lease.ts'
import { createLeaseRepository, deleteLease } from '../../../src/server/sessions/leases/lease-repository.ts'
import { createLeases } from '../../../src/server/sessions/leases/leases.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { fixture } from '../../helpers/recordings.ts'
import { expectSound } from '../../helpers/session-state.ts'
import { query } from '../../helpers/scratch-database.ts'

const services = await startServices(t)
const { real, url: databaseUrl } = services.database
const PARALLEL = real ? 50 : 12

const webm = await fixture('recording.webm')
/** Valid recordings of one format, hence with the same key, whose bytes differ. */
const takeOf = (number: number) =>
  Buffer.concat([webm, Buffer.from([0xec, 0x84, ...Buffer.from(String(number).padStart(4, '0'))])])
const recorded = (id: string, take = 0) => ({ id, audioBase64: takeOf(take).toString('base64') })

async function start(t: Test, env: NodeJS.ProcessEnv = {}) {
  const server = await build(t, { services, env: { DATABASE_POOL_SIZE: '20', ...env } })
  const clara = server.as(`auth0|${randomUUID()}`)
  await clara.sync()
  return { ...server, clara }
}

const statuses = (answers: LightMyRequestResponse[]) => answers.map(({ statusCode }) => statusCode)
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function bytesAt(audioUrl: string): Promise<Buffer> {
  const response = await fetch(audioUrl)
  if (!response.ok) throw new Error(`${response.status} for ${audioUrl}`)
  return Buffer.from(await response.arrayBuffer())
}

async function userIdOf({ sub }: Caller): Promise<string> {
  const [user] = await query<{ id: string }>(databaseUrl, `SELECT id FROM users WHERE auth0_id = '${sub}'`)
  return user?.id ?? ''
}

/** Rows and objects of one session id. */
async function stateOf(t: Test, id: string) {
  const { rows, objects, leases } = await expectSound(t, services)
  return {
    rows: rows.filter((row) => row.id === id),
    objects: objects.filter((key) => key.includes(id)),
    leases: leases.filter((lease) => lease.session_id === id)
  }
}

t.test('many equal concurrent saves of one id create one session', async (t) => {
  const { app, issuer, clara } = await start(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const id = randomUUID()
  const save = () =>
    fetch(`http://127.0.0.1:${port}/api/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${issuer.token(clara.sub)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ songName: 'Ode to Joy', instrument: 'Piano', duration: 60, ...recorded(id) })
    })
  const answers = await Promise.all(Array.from({ length: PARALLEL }, save))
  t.strictSame(answers.map(({ status }) => status).sort(), [...Array(PARALLEL - 1).fill(200), 201])
  const bodies = await Promise.all(answers.map((answer) => answer.text()))
  t.equal(new Set(bodies).size, 1, 'and all get the same session')
  t.match(await stateOf(t, id), { rows: [{ id }], objects: [/\.webm$/], leases: [] })
  t.ok((await bytesAt(JSON.parse(bodies[0] ?? '').audioUrl)).equals(takeOf(0)))
})

t.test(
  'of many different concurrent saves of one id, one succeeds and its recording stays untouched',
  async (t) => {
    const { clara } = await start(t)
    const id = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: PARALLEL }, (_, take) => clara.save(recorded(id, take)))
    )
    const winner = statuses(answers).indexOf(201)
    t.strictSame(statuses(answers).sort(), [201, ...Array(PARALLEL - 1).fill(409)])
    t.match(await stateOf(t, id), { rows: [{ id }], objects: [/\.webm$/], leases: [] })
    t.ok((await bytesAt(answers[winner]?.json().audioUrl)).equals(takeOf(winner)))
  }
)

t.test('of several users who save under one id at once, one gets the id', async (t) => {
  const { as } = await start(t)
  const id = randomUUID()
  const users = Array.from({ length: 5 }, (_, index) => as(`auth0|rival-${index}`))
  await Promise.all(users.map((user) => user.sync()))
  const answers = await Promise.all(users.map((user, index) => user.save(recorded(id, index))))
  t.strictSame(statuses(answers).sort(), [201, 409, 409, 409, 409])
  t.match(await stateOf(t, id), { rows: [{ id }], objects: [/\.webm$/], leases: [] })
})

t.test('many concurrent deletions answer 204 or 404 and leave nothing behind', async (t) => {
  const { clara } = await start(t)
  const id = randomUUID()
  await clara.save(recorded(id))
  const answers = await Promise.all(Array.from({ length: 10 }, () => clara.remove(id)))
  t.strictSame(new Set(statuses(answers)), new Set([204, 404]))
  t.strictSame(await stateOf(t, id), { rows: [], objects: [], leases: [] })
  t.equal((await clara.save(recorded(id, 1))).statusCode, 201, 'the id is free again')
})

/** A server that reaches its storage through a proxy, so that a test can interrupt saves. */
async function startBehindProxy(t: Test, env: NodeJS.ProcessEnv = {}) {
  const proxy = await startFaultyProxy(t, services.env['SUPABASE_URL'] ?? '')
  const server = await start(t, { SUPABASE_URL: proxy.url, ...env })
  return { ...server, proxy }
}

t.test('an equal save waits for a slow first one, and a different one is refused at once', async (t) => {
  const { clara, proxy } = await startBehindProxy(t)
  const id = randomUUID()
  const hung = proxy.breakOn('POST /storage/v1/object/', 'hang')
  const first = clara.save(recorded(id))
  await hung
  const second = clara.save(recorded(id))
  const different = await clara.save(recorded(id, 1))
  t.match(different, { statusCode: 409 })
  t.equal(different.json().code, 'id_reused')
  await proxy.resume()
  t.strictSame(statuses(await Promise.all([first, second])), [201, 200])
})

t.test(
  'a request that lost its lease can neither commit nor damage the recording of the request that took it over',
  async (t) => {
    const { clara, proxy } = await startBehindProxy(t, { SESSION_LEASE_MS: '60000' })
    const { as } = await start(t)
    const id = randomUUID()
    const hung = proxy.breakOn('POST /storage/v1/object/', 'hang')
    const slow = clara.save(recorded(id, 1))
    await hung
    // As if its process had been stopped for longer than the lease lasts.
    await query(databaseUrl, `UPDATE session_leases SET expires_at = now() WHERE session_id = '${id}'`)
    const winner = await as(clara.sub).save(recorded(id, 2))
    t.equal(winner.statusCode, 201)
    proxy.cut()
    t.match((await slow).statusCode, /409|503/)
    t.match(await stateOf(t, id), { rows: [{ id }], objects: [/\.webm$/] })
    t.ok((await bytesAt(winner.json().audioUrl)).equals(takeOf(2)))
  }
)

t.test('a save whose uploaded recording was removed by reconciliation can no longer commit', async (t) => {
  const { clara, proxy } = await startBehindProxy(t)
  const id = randomUUID()
  const hung = proxy.breakOn('POST /storage/v1/object/', 'hang the answer')
  const slow = clara.save(recorded(id))
  await hung
  let findings: Finding[] = []
  // The object appears some time after its bytes were sent.
  while (!findings.some((finding) => finding.kind === 'leftover' && finding.key.includes(id))) {
    findings = await reconcile()
  }
  await proxy.resume()
  t.equal((await slow).statusCode, 503)
  t.strictSame(await stateOf(t, id), { rows: [], objects: [], leases: [] })
  t.equal((await clara.save(recorded(id))).statusCode, 201, 'it can be repeated')
})

t.test('an upload is aborted when its lease is lost', async (t) => {
  const { clara, proxy } = await startBehindProxy(t, { SESSION_LEASE_MS: '300' })
  const id = randomUUID()
  const hung = proxy.breakOn('POST /storage/v1/object/', 'hang')
  const slow = clara.save(recorded(id))
  await hung
  await query(
    databaseUrl,
    `UPDATE session_leases SET holder = '${randomUUID()}', expires_at = now() + interval '1 minute'
     WHERE session_id = '${id}'`
  )
  t.match(await slow, { statusCode: 503 })
  t.strictSame((await stateOf(t, id)).rows, [])
})

t.test(
  'work under a lease that cannot be renewed is aborted when the lease expires, and no new work begins',
  async (t) => {
    const proxy = await startFaultyProxy(t, databaseUrl)
    const { app, clara } = await start(t, { DATABASE_URL: proxy.url })
    const leases = createLeases(app.database.queries, { leaseMs: 500, waitMs: 0, log: app.log })
    const purpose = { sessionId: randomUUID(), userId: await userIdOf(clara), contentDigest: null }
    await leases.withLease(purpose, async (lease) => {
      proxy.hang()
      const lost = await leases.withHeartbeat(lease, async (signal) => {
        await once(signal, 'abort')
        return Date.now()
      })
      t.ok(lost < lease.validUntil + 400, 'long before the database would have answered')
      await t.rejects(
        leases.withHeartbeat(lease, async () => t.fail('must not run')),
        { code: 'session_busy' }
      )
      await proxy.resume()
    })
  }
)

t.test('the lease of a dead process is taken over after it expires', async (t) => {
  const { clara, app } = await start(t, { SESSION_LEASE_MS: '400' })
  const id = randomUUID()
  const dead = { repository: createLeaseRepository(app.database.queries, 400), leaseMs: 400, waitMs: 0 }
  const purpose = { sessionId: id, userId: await userIdOf(clara), contentDigest: 'a'.repeat(64) }
  await acquireLease(dead, purpose)
  t.equal((await clara.save(recorded(id))).statusCode, 409, 'not before')
  await pause(450)
  t.equal((await clara.save(recorded(id))).statusCode, 201)
})

t.test('a deletion that had to wait does not remove what another user saved meanwhile', async (t) => {
  const { clara, as, app } = await start(t)
  const other = as('auth0|next-owner')
  await other.sync()
  const id = randomUUID()
  await clara.save(recorded(id))
  const userId = await userIdOf(clara)
  const { queries } = app.database
  const context = { repository: createLeaseRepository(queries, 30_000), leaseMs: 30_000, waitMs: 0 }
  const lease = await acquireLease(context, { sessionId: id, userId, contentDigest: null })
  const late = clara.remove(id)
  await pause(100)
  // Another deletion finishes, and another user takes the id.
  await query(
    databaseUrl,
    `DELETE FROM sessions WHERE id = '${id}'`,
    `UPDATE users SET streak_count = 0 WHERE id = '${userId}'`
  )
  await deleteLease(queries, lease)
  const saved = await Promise.all([other.save(recorded(id, 3)), late])
  t.match(saved[0].statusCode, /201|409/)
  t.equal(saved[1].statusCode, 404)
  const again = await other.save(recorded(id, 3))
  t.match(again.json(), { audioUrl: /\.webm$/ })
  t.ok((await bytesAt(again.json().audioUrl)).equals(takeOf(3)))
  await reconcile()
})

async function reconcile(): Promise<Finding[]> {
  const config = loadConfig(services.env)
  const storage = createStorage(config.storage, config)
  const database = createDatabase(config.database)
  const findings: Finding[] = []
  await reconcileRecordings({
    database,
    storage,
    minAgeMs: 0,
    remove: true,
    report: (finding) => findings.push(finding)
  })
  await Promise.all([database.close(), storage.close()])
  return findings
}
