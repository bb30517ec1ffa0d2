import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { startSurroundings } from '../helpers/app.ts'
import { fixture } from '../helpers/recordings.ts'
import { runServerCode, startServerProcess, type ServerProcess } from '../helpers/server-process.ts'
import { expectSound } from '../helpers/session-state.ts'

const isReal = Boolean(process.env['TEST_DATABASE_URL'])
// Each kill needs a server process that starts first: all thirty in CI only.
const KILLS = isReal ? process.env['CI'] ? 30 : 8 : 3
/** Server processes that start, serve and die at the same time, on the same database and bucket. */
const LANES = 3
const CLIENTS = 6

t.setTimeout(300_000)
const surroundings = await startSurroundings(t)
// The life of a lease is how long the id of a dead process' save stays taken.
const env = { ...surroundings.env, SESSION_LEASE_MS: '2000', DATABASE_POOL_SIZE: '6' }
const webm = await fixture('recording.webm')
const audioBase64 = webm.toString('base64')

type Deed = { id: string, sub: string, saved: boolean, deletion: 'none' | 'begun' | 'done' }

/** Saves and deletes until the server is gone, and writes down what it was promised. */
async function practise ({ url }: ServerProcess, sub: string, deeds: Deed[], begun: () => void) {
  const headers = { authorization: `Bearer ${surroundings.issuer.token(sub)}`, 'content-type': 'application/json' }
  const post = (path: string, body: unknown) => fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  await post('/api/users/sync', { auth0_id: sub, email: 'clara@example.com', name: 'Clara' })
  for (;;) {
    const deed: Deed = { id: randomUUID(), sub, saved: false, deletion: 'none' }
    deeds.push(deed)
    const answer = await post('/api/sessions', { id: deed.id, songName: 'Ode to Joy', instrument: 'Piano', duration: 60, audioBase64 })
    deed.saved = answer.status === 201
    await answer.text()
    begun()
    if (Math.random() < 0.6) continue
    deed.deletion = 'begun'
    const deletion = await fetch(`${url}/api/sessions/${deed.id}`, { method: 'DELETE', headers: { authorization: headers.authorization } })
    if (deletion.status === 204) deed.deletion = 'done'
  }
}

async function liveAndDie (t: Test, deeds: Deed[]) {
  const running = await startServerProcess(t, env)
  let clients: Array<Promise<void>> = []
  await new Promise<void>((resolve) => {
    clients = Array.from({ length: CLIENTS }, () => practise(running, `auth0|${randomUUID()}`, deeds, resolve).catch(() => {}))
  })
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 700))
  running.kill('SIGKILL')
  await running.exited
  await Promise.all(clients)
}

t.test(`${KILLS} times kill -9 under saves and deletions loses nothing that was promised`, async t => {
  const deeds: Deed[] = []
  let left = KILLS
  const lane = async () => { while (left-- > 0) await liveAndDie(t, deeds) }
  await Promise.all(Array.from({ length: LANES }, lane))

  const { rows, objects } = await expectSound(t, surroundings)
  const byId = new Map(rows.map((row) => [row.id, row]))
  const promised = deeds.filter(({ saved, deletion }) => saved && deletion === 'none')
  t.comment(`${deeds.length} saves begun, ${promised.length} to be there, ${rows.length} rows, ${objects.length} objects`)
  t.ok(promised.length > KILLS / 2, 'there was work')
  t.strictSame(promised.filter(({ id }) => !byId.get(id)?.audio_url), [], 'every session that got its 201 is there')
  t.strictSame(deeds.filter(({ id, deletion }) => deletion === 'done' && byId.has(id)), [], 'what was deleted is gone')
  for (const { id } of promised) {
    const bytes = Buffer.from(await (await fetch(byId.get(id)?.audio_url ?? '')).arrayBuffer())
    if (!bytes.equals(webm)) t.fail(`the recording of ${id} is not whole`)
  }

  const reconcile = await runServerCode(t, 'commands/reconcile-recordings.ts', ['--delete', '--min-age', '0'], env)
  t.match(reconcile, { code: 0, stderr: '' }, reconcile.stdout)
  const after = await expectSound(t, surroundings)
  t.equal(after.objects.length, after.rows.filter(({ audio_url: url }) => url !== null).length, 'no object without its session')
  t.equal(after.rows.length, rows.length)

  // A new server: the lists are whole, and saves that died can be repeated under their ids.
  const { url } = await startServerProcess(t, env)
  const unfinished = deeds.filter(({ saved, id }) => !saved && !byId.has(id)).slice(0, 10)
  await Promise.all(unfinished.map(async ({ id, sub }) => {
    const headers = { authorization: `Bearer ${surroundings.issuer.token(sub)}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ id, songName: 'Ode to Joy', instrument: 'Piano', duration: 60, audioBase64 })
    const answer = await fetch(`${url}/api/sessions`, { method: 'POST', headers, body })
    t.match(answer.status, /201|409/, 'a save that died can be repeated') // 409: its user was not synced yet
    const list = await fetch(`${url}/api/sessions`, { headers: { authorization: headers.authorization } })
    const listed = new Set((await list.json() as Array<{ id: string }>).map((item) => item.id))
    t.strictSame(promised.filter((deed) => deed.sub === sub && !listed.has(deed.id)), [])
  }))
  await expectSound(t, surroundings)
})
