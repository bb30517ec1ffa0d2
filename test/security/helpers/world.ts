import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Upload } from '../../../src/contract/recordings.ts'
import type { SessionData } from '../../../src/contract/sessions.ts'
import type { User } from '../../../src/contract/users.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'
import { watchRoutes } from '../../helpers/routes.ts'
import type { OpenApi } from '../../helpers/openapi.ts'

/** Part of every text of the victim. No answer to an attacker may contain it. */
export const SECRET = 'c0nfidential'

export type World = Awaited<ReturnType<typeof createWorld>>

/** A server with a victim, who has sessions, a recording and an open upload, and with Mallory, who attacks. */
export async function createWorld(t: Test, env: NodeJS.ProcessEnv = {}) {
  const services = await startServices(t)
  const routes = watchRoutes()
  const { app, as } = await build(t, { services, env })
  const document = (await app.inject('/docs/json')).json<OpenApi>()
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const victim = await createVictim(as('auth0|victim'))
  const mallory = as('auth0|mallory')
  await mallory.sync({ email: 'mallory@example.com', name: 'Mallory' })
  const own = (await mallory.save()).json<SessionData>()

  return {
    app,
    port,
    services,
    issuer: services.issuer,
    routes,
    document,
    victim,
    mallory: { ...mallory, session: own },
    trap: await startTrap(t),
    /** The rows and the recordings, to compare. */
    state: async () => ({
      rows: await readRows(app),
      files: readdirSync(join(services.storage.directory, 'objects')).sort()
    })
  }
}

async function createVictim(victim: Caller) {
  const user = (await victim.sync({ name: SECRET, email: `${SECRET}@example.com` })).json<User>()
  const session = (
    await victim.save({
      songName: SECRET,
      notes: SECRET,
      xmlContent: `<score>${SECRET}</score>`,
      analysis: { summary: SECRET, feedback: SECRET, scoreAccuracy: 87, markedXml: SECRET },
      audioBase64: (await fixture('recording.webm')).toString('base64')
    })
  ).json<SessionData>()
  const silent = (await victim.save({ songName: SECRET })).json<SessionData>()
  const upload = (
    await victim.call('POST', `/api/sessions/${silent.id}/recording`, {
      contentType: 'audio/webm',
      bytes: 99
    })
  ).json<Upload>()
  const { headers } = await victim.get(session.id)
  return { ...victim, user, session, silent, upload, etag: String(headers.etag) }
}

/** A web server of the attacker, to which no request of the server may go. */
async function startTrap(t: Test) {
  const trap = { url: '', visits: 0 }
  const server = createServer((_request, response) => {
    trap.visits++
    response.end('{"keys":[]}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  trap.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return trap
}

const readRows = ({ database }: Awaited<ReturnType<typeof build>>['app']) => database.queries.$queryRaw`
  SELECT
    (SELECT md5(string_agg(users::text, '' ORDER BY id)) FROM users) AS users,
    (SELECT md5(string_agg(sessions::text, '' ORDER BY id)) FROM sessions) AS sessions,
    (SELECT md5(string_agg(session_leases::text, '')) FROM session_leases) AS leases,
    (SELECT md5(string_agg(open_uploads::text, '')) FROM open_uploads) AS uploads,
    (SELECT md5(string_agg(sessions::text, '' ORDER BY sessions.id)) FROM sessions
      JOIN users ON users.id = user_id WHERE auth0_id = 'auth0|victim') AS victim`
