import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { buildApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { deployMigrations } from '../server/database/migrations/deploy.ts'
import { toList } from '../server/environment/convert.ts'
import { startJournal } from './practice-journal.ts'
import { startObjectStorage } from './object-storage.ts'
import { startIssuer } from './oidc-issuer.ts'
import { CLARA, PEOPLE } from './people.ts'
import { startPostgres } from './postgres.ts'
import { refuseOtherSites } from './refuse-other-sites.ts'
import { recordRunning } from './running-stack.ts'
import { keepServiceKey, writeToken } from './secrets.ts'
import { audience, dataDir, maxFileSize, ports } from './settings.ts'
import { step } from './terminal.ts'

/** Variables that a developer may set; the stack sets all others itself. */
const OVERRIDABLE = ['PORT', 'LOG_LEVEL', 'DEFAULT_TIME_ZONE', 'MAX_RECORDING_BYTES', 'CORS_ORIGINS']

type Closable = { close(): Promise<void> }
const running: Closable[] = []

function keep<T extends Closable>(service: T): T {
  running.unshift(service)
  return service
}

/** Closes the services that have started, the last one first. */
export async function stopStack(): Promise<void> {
  for (const service of running.splice(0)) await service.close()
}

/** Starts all services, and prints a line for each step. Returns their URLs. */
export async function startStack() {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  // The lock on the database's directory guards the whole data directory, so the database starts first.
  const postgres = await step('PostgreSQL', async () =>
    keep(await startPostgres({ dataDir: join(dataDir, 'postgres'), port: ports.postgres.port }))
  )
  await step('Migrations', () => deployMigrations(postgres.url))
  const storage = await step('Object storage', startStorage)
  const issuer = await step('Issuer', startLocalIssuer)
  const api = await step('API', () =>
    startApi({
      DATABASE_URL: postgres.url,
      PREPARED_STATEMENTS: 'off',
      AUTH0_DOMAIN: issuer.issuer,
      ...storage
    })
  )
  const journal = await step('Practice journal', async () =>
    keep(await startJournal({ port: ports.journal.port, api, issuer: issuer.issuer, audience }))
  )
  const token = await issuer.token(CLARA)
  await writeToken(join(dataDir, 'token'), token)
  await syncClara(api, token)
  keep(await recordRunning(dataDir, journal.url))
  return {
    api,
    journal: journal.url,
    issuer: issuer.issuer,
    database: postgres.url,
    storage: storage.SUPABASE_URL
  }
}

async function startStorage() {
  const serviceKey = await keepServiceKey(join(dataDir, 'service-key'))
  const directory = join(dataDir, 'storage')
  const { url } = keep(
    await startObjectStorage({ directory, serviceKey, maxFileSize, port: ports.storage.port })
  )
  return { SUPABASE_URL: url, SUPABASE_SERVICE_ROLE_KEY: serviceKey }
}

async function startLocalIssuer() {
  const keyFile = join(dataDir, 'issuer-key.json')
  const origins = toList(process.env['CORS_ORIGINS'] ?? '')
  return keep(await startIssuer({ audience, port: ports.issuer.port, users: PEOPLE, origins, keyFile }))
}

async function startApi(services: NodeJS.ProcessEnv) {
  const overrides = OVERRIDABLE.map((name) => [name, process.env[name]]).filter(([, value]) => value)
  const config = loadConfig({
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    SERVER_TIMING: 'on',
    // On a busy machine the first queries of the embedded database take seconds.
    DATABASE_TIMEOUT_MS: '30000',
    CORS_ORIGINS: 'http://localhost:5173,http://localhost:8080',
    ...Object.fromEntries(overrides),
    ...services,
    AUTH0_AUDIENCE: audience
  })
  const app = keep(await buildApp(config))
  refuseOtherSites(app.server, config.corsOrigins)
  return app.listen({ host: config.host, port: config.port })
}

/** Creates the user Clara through the API, so that the printed commands need no sync first. */
async function syncClara(api: string, token: string) {
  const { sub, ...profile } = CLARA
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  const response = await fetch(`${api}/api/users/sync`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ auth0_id: sub, ...profile, timeZone })
  })
  if (!response.ok) throw new Error(`The API refused the user Clara: ${await response.text()}`)
}
