/**
 * The built server as in production: a directory with only the build and the production dependencies,
 * configured by its environment. It installs packages and needs the build: `npm run test:system`.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { StorageClient } from '@supabase/storage-js'
import t, { type Test } from 'tap'
import { EnvironmentSchema } from '../src/server/environment/schema.ts'
import { SERVICE_KEY, startStorage } from './helpers/app.ts'
import { AUDIENCE, startTestIssuer } from './helpers/issuer.ts'
import { fixture } from './helpers/recordings.ts'
import { scratchDatabase } from './helpers/scratch-database.ts'
import { startTraceCollector } from './helpers/trace-collector.ts'

type Environment = NodeJS.ProcessEnv
type Outcome = { code: number; stdout: string; stderr: string }

const root = new URL('../', import.meta.url)
const text = (name: string) => readFile(new URL(name, root), 'utf8')
const found = (source: string, pattern: RegExp) => pattern.exec(source)?.[1] ?? ''

const dockerfile = await text('Dockerfile')
const flyToml = await text('fly.toml')
const renderYaml = await text('render.yaml')
const command = JSON.parse(found(dockerfile, /^CMD (\[.*\])$/m)) as [string, ...string[]]
const install = found(dockerfile, /^RUN (npm ci --omit.*) && npm cache clean --force$/m)
const checkHealth = found(dockerfile, /^HEALTHCHECK .*CMD \["node", "(.*)"\]$/m)

/** Of dist/, prisma/ and node_modules/, in bytes. */
const MAX_BYTES = 40_000_000
const migrate = found(flyToml, /^ *release_command = "(.*)"$/m)

t.setTimeout(300_000)

const directory = await bareDirectory(t)
const issuer = await startTestIssuer(t)
const storage = await startStorage(t)
const database = await scratchDatabase(t)
const environment: Environment = {
  HOST: '127.0.0.1',
  PORT: '0',
  METRICS_PORT: '0',
  DATABASE_URL: database.url,
  AUTH0_DOMAIN: issuer.issuer,
  AUTH0_AUDIENCE: AUDIENCE,
  SUPABASE_URL: storage.url,
  SUPABASE_SERVICE_ROLE_KEY: SERVICE_KEY
}

t.test('brings neither development packages nor sources', async (t) => {
  const packages = await readdir(join(directory, 'node_modules'))
  t.notOk(packages.includes('prisma') || packages.includes('typescript') || packages.includes('tap'))
  t.strictSame(
    (await readdir(directory)).filter((name) => name === 'src'),
    []
  )
})

t.test('is small: one query compiler, and nothing that no server loads', async (t) => {
  const files = await readdir(directory, { recursive: true, withFileTypes: true })
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath ?? file.path, file.name))).size)
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  t.comment(`${Math.round(bytes / 1e6)} MB`)
  t.ok(bytes < MAX_BYTES, `${bytes} bytes`)
  const runtime = await readdir(join(directory, 'node_modules/@prisma/client/runtime'))
  t.strictSame(
    runtime.filter((name) => name.includes('query_compiler') && !/small_bg\.postgresql/.test(name)),
    []
  )
  t.ok(await stat(join(directory, 'dist/server/main.js.map')), 'with its own source maps')
})

t.test('without an environment names everything that is missing', async (t) => {
  const { code, stderr } = await run('npm start')
  t.equal(code, 1)
  for (const name of EnvironmentSchema.required as string[]) {
    if (!('default' in EnvironmentSchema.properties[name as keyof typeof EnvironmentSchema.properties])) {
      t.match(stderr, `${name} is missing`)
    }
  }
  t.equal((await run('npm run db:deploy')).code, 1)
  t.equal((await run('npm run recordings:reconcile')).code, 2)
})

t.test('migrates, as often as asked', async (t) => {
  const first = await run('npm run db:deploy', environment)
  t.match(first, { code: 0, stdout: /Applied \d+_init/ })
  t.match(
    await run(migrate, environment),
    { code: 0, stdout: 'The database is up to date' },
    "by the platforms' command too"
  )
  t.equal(found(renderYaml, /^ *preDeployCommand: (.*)$/m), migrate)
})

t.test('serves, saves a recording and ends on SIGTERM', async (t) => {
  const server = await start(t, command)
  t.match(await call(server.url, '/healthz'), { status: 200 })
  t.match(await call(server.url, '/readyz'), { status: 200 })
  t.match(await call(server.url, '/api/sessions'), { status: 401 })

  const authorization = `Bearer ${issuer.token('auth0|clara')}`
  const post = (path: string, body: object) =>
    call(server.url, path, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
  t.match(
    await post('/api/users/sync', { email: 'clara@example.com', name: 'Clara', auth0_id: 'auth0|clara' }),
    { status: 201 }
  )
  const recording = await fixture('recording.webm')
  const saved = await post('/api/sessions', {
    songName: 'Träumerei',
    instrument: 'Piano',
    duration: 60,
    audioBase64: recording.toString('base64')
  })
  t.equal(saved.status, 201)
  const { audioUrl } = (await saved.json()) as { audioUrl: string }
  t.ok(recording.equals(Buffer.from(await (await fetch(audioUrl)).arrayBuffer())), 'the same bytes come back')
  t.match(await call(server.url, '/docs/json'), { status: 200 })
  t.match(await call(server.url, '/docs/static/index.html'), { status: 200 })
  t.match(
    await (await call(server.metrics, '/metrics')).text(),
    'harmony_helper_saves_total{outcome="created"} 1'
  )
  const { port } = new URL(server.url)
  t.equal((await run(`node ${checkHealth}`, { PORT: port })).code, 0, 'the health check of the image passes')
  t.equal((await run(`node ${checkHealth}`, { PORT: '1' })).code, 1)

  t.equal(await server.end(), 0)
})

t.test('reconciles, and tells by its exit code', async (t) => {
  t.match(await run('npm run recordings:reconcile', environment), {
    code: 0,
    stdout: 'Recordings and sessions agree.'
  })
  const bucket = new StorageClient(`${storage.url}/storage/v1`, {
    apikey: SERVICE_KEY,
    authorization: `Bearer ${SERVICE_KEY}`
  }).from('harmony-helper-recordings')
  const leftover = '00000000-0000-4000-8000-000000000001/00000000-0000-4000-8000-000000000002.webm'
  t.notOk(
    (await bucket.upload(leftover, await fixture('recording.webm'), { contentType: 'audio/webm' })).error
  )
  t.match(await run('npm run recordings:reconcile -- --min-age 0', environment), {
    code: 1,
    stdout: leftover
  })
  t.match(await run('npm run recordings:reconcile -- --delete --min-age 0', environment), {
    code: 0,
    stdout: `removed a recording without a session: ${leftover}`
  })
})

t.test(
  'npm start starts the server, too, and passes SIGTERM on to it; the last traces are sent',
  async (t) => {
    const collector = await startTraceCollector(t)
    const server = await start(t, ['npm', 'start'], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    t.match(await call(server.url, '/healthz'), { status: 200 })
    t.match(await call(server.url, '/docs/json'), { status: 200 })
    t.equal(await server.endProgram(), 0)
    t.match(collector.spans(), [{ name: 'GET /docs/*', resource: { 'service.name': 'harmony-helper' } }])
    await t.rejects(call(server.url, '/healthz'), 'the server has ended')
  }
)

t.test(
  "the platforms' files name only variables that exist, wait for the server to end, and ask for its health",
  async (t) => {
    const named = [
      ...found(flyToml.replaceAll('\n', '\u0000'), /\[env\](.*?)\[/).matchAll(/([A-Z][A-Z0-9_]+) = /g),
      ...renderYaml.matchAll(/- key: (\S+)/g)
    ]
    t.ok(named.length > 0)
    for (const [, name = ''] of named) t.ok(name in EnvironmentSchema.properties, name)
    const secondsOf = (name: string) => Number(found(flyToml, new RegExp(`${name} = "(\\d+)"`))) / 1000
    const shutdown = (EnvironmentSchema.properties.SHUTDOWN_TIMEOUT_MS.default as number) / 1000
    t.ok(
      Number(found(flyToml, /^kill_timeout = (\d+)$/m)) >
        secondsOf('DRAIN_DELAY_MS') + secondsOf('SHUTDOWN_TIMEOUT_MS')
    )
    t.ok(Number(found(renderYaml, /maxShutdownDelaySeconds: (\d+)/)) > shutdown)
    t.match(flyToml, 'path = "/healthz"')
    t.match(renderYaml, 'healthCheckPath: /healthz')
  }
)

t.test('the container starts the server with the options and variables of `npm start`', async (t) => {
  const { scripts } = JSON.parse(await text('package.json')) as { scripts: { start: string } }
  const [variables = '', options = ''] = scripts.start.split(' exec ')
  t.equal(command.join(' '), options)
  t.equal(found(dockerfile, /^ENV NODE_ENV=production (.*)$/m), variables)
})

/** What the Dockerfile copies into its last stage, installed by its command. */
async function bareDirectory(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'harmony-production-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const names = [
    'package.json',
    'package-lock.json',
    '.npmrc',
    'scripts/prune-production.mjs',
    'dist',
    'prisma/migrations'
  ]
  for (const name of names) await cp(new URL(name, root), join(directory, name), { recursive: true })
  // npm needs the machine's registry, proxy and certificates, and none of what tap gives its children.
  const { NODE_OPTIONS, ...machine } = process.env
  const { code, stderr } = await execute(install, directory, machine)
  if (code !== 0) throw new Error(`${install} failed: ${stderr}`)
  return directory
}

function bare(variables: Environment): Environment {
  return { PATH: process.env['PATH'], ...variables }
}

function run(line: string, variables: Environment = {}): Promise<Outcome> {
  return execute(line, directory, { HOME: directory, ...variables })
}

function execute(line: string, cwd: string, variables: Environment): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd, env: bare(variables), timeout: 240_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr })
    })
  })
}

/** Starts a server in a process group of its own, so that npm's child ends with it. */
async function start(t: Test, [program, ...args]: [string, ...string[]], changes: Environment = {}) {
  const child = spawn(program, args, {
    cwd: directory,
    env: bare({ HOME: directory, ...environment, ...changes }),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const signal = (name: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, name)
  }
  t.teardown(() => {
    signal('SIGKILL')
  })
  const [metrics, url] = await addressesOf(child.stdout, exited)
  return {
    url,
    metrics,
    /** Sends SIGTERM to the whole group. */
    end: async () => {
      signal('SIGTERM')
      return (await exited)[0]
    },
    /** Sends SIGTERM to `program` alone. */
    endProgram: async () => {
      child.kill('SIGTERM')
      return (await exited)[0]
    }
  }
}

/** The addresses of the metrics and of the API, in the order in which the server logs them. */
async function addressesOf(
  output: NodeJS.ReadableStream,
  exited: Promise<unknown>
): Promise<[string, string]> {
  let metrics = ''
  const listening = (async () => {
    for await (const line of createInterface({ input: output })) {
      const [, port] = /"address":\{"address":"127.0.0.1".*?"port":(\d+)/.exec(line) ?? []
      if (port) metrics = `http://127.0.0.1:${port}`
      const url = /Server listening at (http:[^"]+)/.exec(line)?.[1]
      if (url) return url
    }
    return ''
  })()
  const url = await Promise.race([listening, exited.then(() => '')])
  if (url === '') throw new Error('The server ended before it listened')
  output.resume()
  return [metrics, url]
}

function call(server: string, path: string, init?: RequestInit): Promise<Response> {
  return fetch(server + path, init)
}
