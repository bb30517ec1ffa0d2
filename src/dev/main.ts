import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import closeWithGrace from 'close-with-grace'
import { buildApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { deployMigrations } from '../server/database/migrations/deploy.ts'
import { startJournal } from './journal.ts'
import { startObjectStorage } from './object-storage.ts'
import { startIssuer } from './oidc-issuer.ts'
import { startPostgres } from './postgres.ts'
import { welcome } from './welcome.ts'

const {
  DATA_DIR = '.data',
  POSTGRES_PORT = '13001',
  ISSUER_PORT = '13002',
  STORAGE_PORT = '13003',
  JOURNAL_PORT = '13004'
} = process.env
const AUDIENCE = 'https://api.harmony-helper.localhost'
const DEMO_USER = { sub: 'auth0|clara', email: 'clara@example.com', name: 'Clara' }
/** What a developer may want otherwise; the rest of the environment is the embedded stack's. */
const OVERRIDABLE = ['PORT', 'LOG_LEVEL', 'DEFAULT_TIME_ZONE', 'MAX_RECORDING_BYTES', 'CORS_ORIGINS']

type Closable = { close(): Promise<void> }
const running: Closable[] = []

/** Remembers to close it; the last one started is the first one closed. */
function keep<T extends Closable>(service: T): T {
  running.unshift(service)
  return service
}

/** Everything the server needs of the outside world, on this machine, with its data in `.data/`. */
async function startSurroundings(): Promise<NodeJS.ProcessEnv> {
  // The lock on the database's directory guards all of `.data/`, so it comes first.
  const postgres = keep(await startPostgres({ dataDir: `${DATA_DIR}/postgres`, port: Number(POSTGRES_PORT) }))
  const serviceKey = await keepSecret(`${DATA_DIR}/service-key`)
  const storage = keep(
    await startObjectStorage({ directory: `${DATA_DIR}/storage`, serviceKey, port: Number(STORAGE_PORT) })
  )
  await deployMigrations(postgres.url)
  return { DATABASE_URL: postgres.url, SUPABASE_URL: storage.url, SUPABASE_SERVICE_ROLE_KEY: serviceKey }
}

async function keepSecret(file: string): Promise<string> {
  await writeFile(file, `sb_secret_${randomBytes(24).toString('hex')}`, { flag: 'wx', mode: 0o600 }).catch(
    () => {}
  ) // the next start finds it
  return readFile(file, 'utf8')
}

async function start() {
  await mkdir(DATA_DIR, { recursive: true, mode: 0o700 })
  const surroundings = await startSurroundings()
  const issuer = keep(
    await startIssuer({
      audience: AUDIENCE,
      port: Number(ISSUER_PORT),
      users: [DEMO_USER],
      keyFile: `${DATA_DIR}/issuer-key.json`
    })
  )
  const config = loadConfig({
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    CORS_ORIGINS: 'http://localhost:5173,http://localhost:8080',
    ...Object.fromEntries(OVERRIDABLE.map((name) => [name, process.env[name]]).filter(([, value]) => value)),
    ...surroundings,
    AUTH0_DOMAIN: issuer.issuer,
    AUTH0_AUDIENCE: AUDIENCE
  })
  const app = keep(await buildApp(config))
  const api = await app.listen({ host: config.host, port: config.port })
  const journal = keep(
    await startJournal({ port: Number(JOURNAL_PORT), api, issuer: issuer.issuer, audience: AUDIENCE })
  )
  const token = await issuer.token(DEMO_USER)
  await syncDemoUser(api, token)
  console.log(
    await welcome({
      journal: journal.url,
      api,
      token,
      dataDir: DATA_DIR,
      databaseUrl: config.database.url,
      issuer: issuer.issuer,
      storageUrl: config.storage.url
    })
  )
}

/** So that the printed curl works at once. Through the front door, like any frontend. */
async function syncDemoUser(api: string, token: string) {
  const { sub, ...profile } = DEMO_USER
  const response = await fetch(`${api}/api/users/sync`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      auth0_id: sub,
      ...profile,
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone
    })
  })
  if (!response.ok) throw new Error(`The server does not take its own user: ${await response.text()}`)
}

async function stop() {
  for (const service of running.splice(0)) await service.close()
}

closeWithGrace({ delay: 10_000 }, async ({ err }) => {
  if (err) console.error(err)
  await stop()
})

try {
  await start()
} catch (error) {
  console.error((error as Error).message)
  await stop()
  process.exit(1)
}
