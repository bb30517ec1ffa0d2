import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { Upload } from '../../src/contract/recordings.ts'
import { loadConfig } from '../../src/server/config.ts'
import { createDatabase } from '../../src/server/database/client.ts'
import { createStorage } from '../../src/server/storage/storage.ts'
import { reconcileRecordings, type Finding } from '../../src/server/reconcile/reconcile-recordings.ts'
import { startServices } from '../helpers/app.ts'
import { fixture } from '../helpers/recordings.ts'
import { runServerCode, startServerProcess, type ServerProcess } from '../helpers/server-process.ts'
import { expectSound } from '../helpers/session-state.ts'

const isReal = Boolean(process.env['TEST_DATABASE_URL'])
// Each kill needs a new server process, which takes time to start: all thirty only in CI.
const KILLS = isReal ? (process.env['CI'] ? 30 : 8) : 3
/** Number of server processes that start, serve and die concurrently, on the same database and bucket. */
const LANES = 3
const CLIENTS = 6

t.setTimeout(580_000)
const services = await startServices(t)
// The id of a save stays reserved for the life of a lease after its process died.
const spools = t.testdir()
const env = { ...services.env, SESSION_LEASE_MS: '2000', DATABASE_POOL_SIZE: '6', TMPDIR: spools }
const webm = await fixture('recording.webm')
/** So long that it is written to a spool file. */
const longer = Buffer.concat([webm, Buffer.alloc(200_000)])

type Deed = {
  id: string
  sub: string
  recording: Buffer
  saved: boolean
  deletion: 'none' | 'begun' | 'done'
}

/** Saves and deletes until the server is gone, and notes which requests were confirmed. */
async function practise({ url }: ServerProcess, sub: string, deeds: Deed[], begun: () => void) {
  const headers = {
    authorization: `Bearer ${services.issuer.token(sub)}`,
    'content-type': 'application/json'
  }
  const post = (path: string, body: unknown) =>
    fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const session = { songName: 'Ode to Joy', instrument: 'Piano', duration: 60 }

  async function saveInline({ id, recording }: Deed): Promise<boolean> {
    const answer = await post('/api/sessions', { ...session, id, audioBase64: recording.toString('base64') })
    await answer.text()
    return answer.status === 201
  }

  async function saveDirectly({ id, recording }: Deed): Promise<boolean> {
    await (await post('/api/sessions', { ...session, id })).text()
    const { uploadId, ...upload } = (await (
      await post(`/api/sessions/${id}/recording`, { contentType: 'audio/webm', bytes: recording.length })
    ).json()) as Upload
    await (
      await fetch(upload.url, {
        method: 'PUT',
        headers: { 'content-type': upload.contentType },
        body: new Uint8Array(recording)
      })
    ).text()
    const answer = await post(`/api/sessions/${id}/recording/complete`, { uploadId })
    await answer.text()
    return answer.status === 200
  }

  await post('/api/users/sync', { auth0_id: sub, email: 'clara@example.com', name: 'Clara' })
  for (;;) {
    const deed: Deed = {
      id: randomUUID(),
      sub,
      recording: Math.random() < 0.2 ? longer : webm,
      saved: false,
      deletion: 'none'
    }
    deeds.push(deed)
    deed.saved = await (Math.random() < 0.3 ? saveDirectly(deed) : saveInline(deed))
    begun()
    if (Math.random() < 0.6) continue
    deed.deletion = 'begun'
    const deletion = await fetch(`${url}/api/sessions/${deed.id}`, {
      method: 'DELETE',
      headers: { authorization: headers.authorization }
    })
    if (deletion.status === 204) deed.deletion = 'done'
  }
}

async function liveAndDie(t: Test, deeds: Deed[]) {
  const running = await startServerProcess(t, env)
  let clients: Array<Promise<void>> = []
  await new Promise<void>((resolve) => {
    clients = Array.from({ length: CLIENTS }, () =>
      practise(running, `auth0|${randomUUID()}`, deeds, resolve).catch(() => {})
    )
  })
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 700))
  running.kill('SIGKILL')
  await running.exited
  await Promise.all(clients)
}

t.test(`${KILLS} times kill -9 during saves and deletions loses nothing that was confirmed`, async (t) => {
  const deeds: Deed[] = []
  let left = KILLS
  const lane = async () => {
    while (left-- > 0) await liveAndDie(t, deeds)
  }
  await Promise.all(Array.from({ length: LANES }, lane))

  const { rows, objects } = await expectSound(t, services)
  const byId = new Map(rows.map((row) => [row.id, row]))
  const promised = deeds.filter(({ saved, deletion }) => saved && deletion === 'none')
  t.comment(
    `${deeds.length} saves begun, ${promised.length} to be there, ${rows.length} rows, ${objects.length} objects`
  )
  t.ok(deeds.filter(({ saved }) => saved).length > KILLS / 2, 'enough saves were confirmed')
  t.strictSame(
    promised.filter(({ id }) => !byId.get(id)?.audio_url),
    [],
    'every session that was answered with 201 is stored'
  )
  t.strictSame(
    deeds.filter(({ id, deletion }) => deletion === 'done' && byId.has(id)),
    [],
    'deleted sessions are gone'
  )
  for (const { id, recording } of promised) {
    const bytes = Buffer.from(await (await fetch(byId.get(id)?.audio_url ?? '')).arrayBuffer())
    if (!bytes.equals(recording)) t.fail(`the recording of ${id} is not whole`)
  }

  const reconcile = await runServerCode(
    t,
    'commands/reconcile-recordings',
    ['--delete', '--min-age', '0'],
    env
  )
  t.match(reconcile, { code: 0, stderr: '' }, reconcile.stdout)
  await reconcileUploads()
  t.strictSame(await reconcileUploads(), [], 'nothing is left in staging')
  const after = await expectSound(t, services)
  t.equal(
    after.objects.length,
    after.rows.filter(({ audio_url: url }) => url !== null).length,
    'no object without its session'
  )
  t.equal(after.rows.length, rows.length)

  // On a new server the lists are complete, and interrupted saves can be repeated under their ids.
  const { url } = await startServerProcess(t, env)
  t.strictSame(await readdir(spools), [], 'the dead processes left no temporary files')
  const unfinished = deeds.filter(({ saved, id }) => !saved && !byId.has(id)).slice(0, 10)
  await Promise.all(
    unfinished.map(async ({ id, sub, recording }) => {
      const headers = {
        authorization: `Bearer ${services.issuer.token(sub)}`,
        'content-type': 'application/json'
      }
      const body = JSON.stringify({
        id,
        songName: 'Ode to Joy',
        instrument: 'Piano',
        duration: 60,
        audioBase64: recording.toString('base64')
      })
      const answer = await fetch(`${url}/api/sessions`, { method: 'POST', headers, body })
      t.match(answer.status, /201|409/, 'an interrupted save can be repeated') // 409: its user was not synced yet
      const list = await fetch(`${url}/api/sessions`, { headers: { authorization: headers.authorization } })
      const listed = new Set(((await list.json()) as Array<{ id: string }>).map((item) => item.id))
      t.strictSame(
        promised.filter((deed) => deed.sub === sub && !listed.has(deed.id)),
        []
      )
    })
  )
  await expectSound(t, services)
})

/** Reconciles as the command does when all uploads are ended and all leases have expired. */
async function reconcileUploads(): Promise<Finding[]> {
  const config = loadConfig(services.env)
  const [storage, database] = [createStorage(config.storage, config), createDatabase(config.database)]
  const findings: Finding[] = []
  await database.queries.$executeRaw`DELETE FROM open_uploads`
  await database.queries.$executeRaw`UPDATE session_leases SET expires_at = now()`
  await reconcileRecordings({
    database,
    storage,
    minAgeMs: 0,
    uploadLifeMs: 0,
    remove: true,
    report: (finding) => findings.push(finding)
  })
  await Promise.all([database.close(), storage.close()])
  return findings
}
