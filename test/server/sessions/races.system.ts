import { randomBytes, randomUUID } from 'node:crypto'
import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { loadConfig } from '../../../src/server/config.ts'
import { createDatabase } from '../../../src/server/database/client.ts'
import { createStorage } from '../../../src/server/storage/storage.ts'
import { keyOf } from '../../../src/server/storage/recording-keys.ts'
import { reconcileRecordings, type Finding } from '../../../src/server/reconcile/reconcile-recordings.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { fixture } from '../../helpers/recordings.ts'
import { expectSound } from '../../helpers/session-state.ts'

const services = await startServices(t)
const { real, url: databaseUrl } = services.database
const PARALLEL = real ? 50 : 12
const ROUNDS = real ? 25 : 6

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

/** Rows and objects of one session id. */
async function stateOf(t: Test, id: string) {
  const { rows, objects, leases } = await expectSound(t, services)
  return {
    rows: rows.filter((row) => row.id === id),
    objects: objects.filter((key) => key.includes(id)),
    leases: leases.filter((lease) => lease.session_id === id)
  }
}

t.test('saves that race deletions leave both row and recording, or neither', async (t) => {
  const { clara } = await start(t)
  const seen = new Set<number>()
  for (let round = 0; round < ROUNDS; round++) {
    const id = randomUUID()
    if (round % 2) await clara.save(recorded(id))
    const racers = [
      () => clara.save(recorded(id)),
      () => clara.remove(id),
      () => clara.save(recorded(id)),
      () => clara.remove(id)
    ]
    const answers = await Promise.all(
      racers.map(async (race) => {
        await pause(Math.random() * 40)
        return race()
      })
    )
    for (const status of statuses(answers)) seen.add(status)
    const { rows, objects, leases } = await stateOf(t, id)
    t.strictSame(
      objects,
      rows.map((row) => keyOf(row.audio_url ?? '')),
      `round ${round}: ${statuses(answers)}`
    )
    t.strictSame(leases, [])
    if (rows.length > 0) t.equal((await clara.remove(id)).statusCode, 204)
  }
  t.strictSame(
    [...seen].filter((status) => ![200, 201, 204, 404, 409, 503].includes(status)),
    []
  )
})

/** A server that reaches its storage through a proxy, so that a test can interrupt saves. */
async function startBehindProxy(t: Test, env: NodeJS.ProcessEnv = {}) {
  const proxy = await startFaultyProxy(t, services.env['SUPABASE_URL'] ?? '')
  const server = await start(t, { SUPABASE_URL: proxy.url, ...env })
  return { ...server, proxy }
}

t.test('a save waits as long as the removal of an interrupted deletion may still take effect', async (t) => {
  const { clara, proxy } = await startBehindProxy(t, { STORAGE_TIMEOUT_MS: '400', SESSION_LEASE_MS: '1500' })
  const { as } = await start(t, { SESSION_LEASE_MS: '1500' })
  const other = as(clara.sub)
  const id = randomUUID()
  await other.save(recorded(id))
  const hung = proxy.breakOn('DELETE /storage/v1/object/', 'hang')
  const first = clara.remove(id)
  await hung
  t.match(await first, { statusCode: 503 })
  t.equal((await other.remove(id)).statusCode, 204, 'repeating the deletion finishes the work')
  const save = other.save(recorded(id, 1))
  await pause(300)
  await proxy.resume() // the first removal arrives
  const saved = await save
  t.equal(saved.statusCode, 201)
  t.match(await stateOf(t, id), { rows: [{ id }], objects: [/\.webm$/] })
  t.ok((await bytesAt(saved.json().audioUrl)).equals(takeOf(1)))
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

t.test(
  'reconciliation beside running saves may abort them, and damages nothing that was saved',
  async (t) => {
    const { clara } = await start(t)
    const ids = Array.from({ length: PARALLEL }, () => randomUUID())
    const work = async (caller: Caller, id: string, index: number) => {
      await pause(Math.random() * 150)
      const { statusCode } = await caller.save(recorded(id, index))
      return { id, index, statusCode }
    }
    const [answers] = await Promise.all([
      Promise.all(ids.map((id, index) => work(clara, id, index))),
      (async () => {
        for (let i = 0; i < 4; i++) await reconcile()
      })()
    ])
    for (const { statusCode } of answers) t.match(statusCode, /201|503/)
    const { rows } = await expectSound(t, services)
    const stored = new Map(rows.map((row) => [row.id, row]))
    for (const { id, index } of answers.filter(({ statusCode }) => statusCode === 201)) {
      t.ok((await bytesAt(stored.get(id)?.audio_url ?? '')).equals(takeOf(index)))
    }
  }
)

const STEPS = ['auth0_id = ', 'INSERT INTO session_leases', 'INSERT INTO sessions']

for (const fault of ['cut', 'cut the answer'] as const) {
  t.test(
    `a recorded save whose database connection is lost (${fault}) is all or nothing, and a retry completes it`,
    async (t) => {
      const proxy = await startFaultyProxy(t, databaseUrl)
      const { clara } = await start(t, {
        DATABASE_URL: proxy.url,
        PREPARED_STATEMENTS: 'off',
        SESSION_LEASE_MS: '700'
      })
      for (const text of STEPS) {
        const id = randomUUID()
        const broken = proxy.breakOn(text, fault)
        const answer = await clara.save(recorded(id))
        await broken
        const { rows, objects } = await stateOf(t, id)
        t.match(answer.statusCode, /201|503/, text)
        t.equal(rows.length, answer.statusCode === 201 ? 1 : 0, `${text}: ${answer.statusCode}`)
        t.equal(objects.length, rows.length)
        t.match(
          (await clara.save(recorded(id))).statusCode,
          answer.statusCode === 201 ? 200 : 201,
          'the retry'
        )
        t.match(await stateOf(t, id), { rows: [{ id }], objects: [/\.webm$/], leases: [] })
      }
      t.equal(
        (
          await clara.save({
            id: randomUUID(),
            audioBase64: Buffer.concat([webm, randomBytes(8)]).toString('base64')
          })
        ).statusCode,
        201
      )
    }
  )

  t.test(
    `a deletion whose database connection is lost (${fault}) can be repeated until everything is gone`,
    async (t) => {
      const proxy = await startFaultyProxy(t, databaseUrl)
      const { clara } = await start(t, {
        DATABASE_URL: proxy.url,
        PREPARED_STATEMENTS: 'off',
        SESSION_LEASE_MS: '700'
      })
      for (const text of [
        'INSERT INTO session_leases',
        'UPDATE "public"."sessions"',
        'FOR NO KEY UPDATE',
        'DELETE FROM sessions',
        'COMMIT'
      ]) {
        const id = randomUUID()
        await clara.save(recorded(id))
        const broken = proxy.breakOn(text, fault)
        t.equal((await clara.remove(id)).statusCode, 503, text)
        await broken
        await stateOf(t, id)
        t.match((await clara.remove(id)).statusCode, /204|404/)
        t.strictSame((({ rows, objects }) => ({ rows, objects }))(await stateOf(t, id)), {
          rows: [],
          objects: []
        })
      }
    }
  )
}
