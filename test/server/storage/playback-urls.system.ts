import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build, startServices } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'
import { runServerCode } from '../../helpers/server-process.ts'

const services = await startServices(t)
const { database } = services
const webm = await fixture('recording.webm')
const audioBase64 = webm.toString('base64')
const PRIVATE = { RECORDINGS_ACCESS: 'private' }

async function start(t: Test, env: NodeJS.ProcessEnv = PRIVATE) {
  const { app, as } = await build(t, { services, env })
  const clara = as(`auth0|${randomUUID()}`)
  await clara.sync()
  return { app, as, clara }
}

const applyAccess = (env: NodeJS.ProcessEnv) =>
  runServerCode(t, 'commands/set-recordings-access', [], { ...services.env, ...env })
const canonicalUrlOf = async (id: string) =>
  (await query<{ url: string }>(database.url, `SELECT audio_url AS url FROM sessions WHERE id = '${id}'`))[0]
    ?.url ?? ''
const isRefused = async (url: string, headers: Record<string, string> = {}) =>
  (await fetch(url, { headers })).status >= 400

t.test('every recording of a history longer than one signing batch has a URL', async (t) => {
  const { clara } = await start(t)
  const { id } = (await clara.save({ audioBase64 })).json<SessionData>()
  await query(
    database.url,
    `
    INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, audio_url)
    SELECT user_id, 'Ode ' || n, instrument, 60, audio_url FROM sessions, generate_series(1, 12000) n WHERE id = '${id}'`
  )
  const rows = (await clara.list()).json<Array<{ audio_url: string }>>()
  t.equal(rows.length, 12_001)
  t.ok(rows.every((row) => row.audio_url.includes('/object/sign/')))
})

t.test('the command changes the access without changing a row', async (t) => {
  const { clara } = await start(t)
  const { id } = (await clara.save({ audioBase64 })).json<SessionData>()
  const url = await canonicalUrlOf(id)
  t.match(await applyAccess(PRIVATE), { code: 0, stdout: /is already private/ })
  t.match(await applyAccess({}), { code: 0, stdout: /was private and is now public/ })
  const { as } = await start(t, {})
  t.equal((await as(clara.sub).get(id)).json().audioUrl, url)
  t.equal((await fetch(url)).status, 200)
  t.match(await applyAccess(PRIVATE), { code: 0, stdout: /was public and is now private/ })
  t.ok(await isRefused(url))
  t.equal(await canonicalUrlOf(id), url)
  t.match(await applyAccess({ SUPABASE_URL: 'http://127.0.0.1:1' }), {
    code: 2,
    stdout: '',
    stderr: /ECONNREFUSED/
  })
})
