import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import type { Test } from 'tap'
import { startObjectStorage } from '../../src/dev/object-storage.ts'
import { buildApp } from '../../src/server/app.ts'
import { loadConfig } from '../../src/server/config.ts'
import { startDatabase } from './database.ts'
import { AUDIENCE, startTestIssuer, type TestIssuer } from './issuer.ts'
import { checkAnswers } from './openapi.ts'
import { startRemoteApp } from './remote-app.ts'
import { isServerMemoryLimited } from './server-command.ts'

export const SERVICE_KEY = 'sb_secret_for_tests_only'

export type Services = Awaited<ReturnType<typeof startServices>>

/**
 * Starts a database, a bucket and an issuer for the test; `env` is a server's environment that points to
 * them. The database does not know the time zones `withoutZones`.
 */
export async function startServices(t: Test, { withoutZones }: { withoutZones?: string[] } = {}) {
  const [database, issuer, storage] = await Promise.all([
    startDatabase(t, withoutZones),
    startTestIssuer(t),
    startStorage(t)
  ])
  const env: NodeJS.ProcessEnv = {
    LOG_LEVEL: 'silent',
    RATE_LIMIT: 'off',
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    // The embedded database is one session: statements of two connections with one name collide.
    PREPARED_STATEMENTS: database.real ? 'auto' : 'off',
    AUTH0_DOMAIN: issuer.issuer,
    AUTH0_AUDIENCE: AUDIENCE,
    SUPABASE_URL: storage.url,
    SUPABASE_SERVICE_ROLE_KEY: SERVICE_KEY,
    // Long enough for a busy machine; tests of time limits set their own.
    DATABASE_TIMEOUT_MS: '30000',
    CORS_ORIGINS: 'http://localhost:5173, http://localhost:8080'
  }
  return { database, issuer, storage, env }
}

/**
 * Starts the embedded object storage on a temporary directory; `stop` and `start` keep its port.
 * `maxFileSize` is the limit of the project, in bytes.
 */
export async function startStorage(t: Test, { maxFileSize = 500_000_000 } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'harmony-storage-'))
  const options = { directory, serviceKey: SERVICE_KEY, maxFileSize }
  let running = await startObjectStorage(options)
  const { url } = running
  t.teardown(async () => {
    await running.close()
    await rm(directory, { recursive: true, force: true })
  })
  return {
    url,
    directory,
    stop: () => running.close(),
    start: async () => {
      running = await startObjectStorage({ ...options, port: Number(new URL(url).port) })
    }
  }
}

type Overrides = { env?: NodeJS.ProcessEnv; now?: () => Date; services?: Services }

/**
 * Builds the app on new services or on those given, and closes it at the end of the test. Every answer to an
 * `inject` is compared with the API document.
 */
export async function build(t: Test, { env, now, services }: Overrides = {}) {
  const used = services ?? (await startServices(t))
  const environment = { ...used.env, ...env }
  const app = isServerMemoryLimited
    ? await startRemoteApp(t, environment, now)
    : await buildApp(loadConfig(environment), now ? { now } : {})
  t.teardown(() => app.close())
  await app.ready()
  checkAnswers(app)
  return { app, ...used, as: (sub: string) => createCaller(app, used.issuer, sub) }
}

export type Caller = ReturnType<typeof createCaller>

/** Calls the API as the user `sub`. */
export function createCaller(app: FastifyInstance, issuer: TestIssuer, sub: string) {
  const headers = () => ({ authorization: `Bearer ${issuer.token(sub)}` })
  const call = (method: InjectOptions['method'], url: string, payload?: InjectOptions['payload']) =>
    app.inject({
      method,
      url,
      headers: headers(),
      ...(payload !== undefined && { payload })
    } as InjectOptions)
  return {
    sub,
    headers,
    call,
    sync: (fields: Record<string, unknown> = {}) =>
      call('POST', '/api/users/sync', {
        auth0_id: sub,
        email: 'clara@example.com',
        name: 'Clara',
        ...fields
      }),
    save: (fields: Record<string, unknown> = {}) =>
      call('POST', '/api/sessions', { songName: 'Ode to Joy', instrument: 'Piano', duration: 60, ...fields }),
    list: (query = '') => call('GET', `/api/sessions${query}`),
    get: (id: string) => call('GET', `/api/sessions/${id}`),
    remove: (id: string) => call('DELETE', `/api/sessions/${id}`),
    stats: (query = '') => call('GET', `/api/stats${query}`)
  }
}
