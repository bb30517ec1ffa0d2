import { readFile } from 'node:fs/promises'
import { Ajv } from 'ajv'
import t from 'tap'
import { loadConfig } from '../../src/server/config.ts'
import { EnvironmentSchema } from '../../src/server/environment/schema.ts'

const COMPLETE = {
  DATABASE_URL: 'postgresql://owner:hush-password@db.example.com:5432/postgres',
  AUTH0_DOMAIN: 'tenant.eu.auth0.com',
  AUTH0_AUDIENCE: 'https://api.example.com',
  SUPABASE_URL: 'https://project.supabase.co',
  SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_hush-key'
}

function refusal(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env)
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

const refusalOf = (changes: NodeJS.ProcessEnv) => refusal({ ...COMPLETE, ...changes })

t.test('five variables are enough; the others have defaults', async (t) => {
  t.strictSame(loadConfig(COMPLETE), {
    logLevel: 'info',
    host: '0.0.0.0',
    port: 3000,
    corsOrigins: [],
    defaultTimeZone: 'UTC',
    maxRecordingBytes: 50 * 1024 * 1024,
    answerTimeoutMs: 30_000,
    maxConnectionsPerAddress: undefined,
    trustProxy: false,
    rateLimit: 300,
    redisUrl: undefined,
    quotas: { sessions: 100_000, textBytes: 2_000_000_000, recordingsBytes: 100_000_000_000 },
    hasDocs: true,
    hasServerTiming: false,
    blockedUsers: new Set(),
    sessionLeaseMs: 30_000,
    metrics: undefined,
    tracing: undefined,
    drainDelayMs: 0,
    shutdownTimeoutMs: 30_000,
    database: {
      url: COMPLETE.DATABASE_URL,
      schema: 'public',
      poolSize: 10,
      timeoutMs: 5000,
      preparedStatements: 'auto'
    },
    auth: { issuer: 'https://tenant.eu.auth0.com/', audience: 'https://api.example.com', timeoutMs: 5000 },
    bodies: { concurrency: 16, waitMs: 40_000, timeoutMs: 30_000 },
    storage: {
      url: 'https://project.supabase.co',
      serviceKey: 'sb_secret_hush-key',
      bucket: 'harmony-helper-recordings',
      access: 'public',
      linkSeconds: 3600,
      timeoutMs: 30_000
    }
  })
})

t.test('one message names every missing variable and its purpose', async (t) => {
  const message = refusal({})
  for (const name of Object.keys(COMPLETE)) t.match(message, new RegExp(`^  ${name} is missing: \\w`, 'm'))
  t.equal(message.split('\n').length, 6)
})

t.test('an empty variable is missing or has its default', async (t) => {
  t.match(
    refusalOf({ DATABASE_URL: '', AUTH0_AUDIENCE: '  ' }),
    /DATABASE_URL is missing[^]*AUTH0_AUDIENCE is missing/
  )
  t.equal(loadConfig({ ...COMPLETE, PORT: '', LOG_LEVEL: '' }).port, 3000)
})

t.test('one message names every invalid variable', async (t) => {
  const changes = {
    PORT: '70000',
    LOG_LEVEL: 'loud',
    DATABASE_POOL_SIZE: '1',
    DATABASE_TIMEOUT_MS: '0',
    STORAGE_TIMEOUT_MS: 'soon',
    MAX_RECORDING_BYTES: '1.5',
    SUPABASE_BUCKET: 'a/b',
    DATABASE_URL: 'mysql://x',
    SUPABASE_URL: 'project.supabase.co'
  }
  const message = refusalOf(changes)
  for (const name of Object.keys(changes)) t.match(message, new RegExp(`^  ${name} \\w`, 'm'), name)
})

t.test('the schema of the environment is valid', async (t) => {
  t.ok(new Ajv().validateSchema(EnvironmentSchema))
})

t.test('one message names every value that fails a check beyond the schema', async (t) => {
  const changes = {
    DEFAULT_TIME_ZONE: 'Mars/Olympus_Mons',
    CORS_ORIGINS: 'https://app.example.com/path',
    DATABASE_URL: 'postgresql://owner:password@[db/x',
    SUPABASE_SERVICE_ROLE_KEY: 'key with spaces',
    SUPABASE_URL: 'https://'
  }
  const message = refusalOf(changes)
  for (const name of Object.keys(changes)) t.match(message, new RegExp(`^  ${name} \\w`, 'm'), name)
})

t.test('faults that the schema finds do not hide the others', async (t) => {
  const hidden = {
    CORS_ORIGINS: 'https://app.example.com/',
    SUPABASE_SERVICE_ROLE_KEY: 'sb_publishable_x',
    DEFAULT_TIME_ZONE: 'Mars/Olympus_Mons',
    SUPABASE_URL: 'https://project.supabase.co/storage/v1'
  }
  for (const violation of [
    { DATABASE_URL: '', AUTH0_DOMAIN: '' },
    { DATABASE_URL: 'mysql://x', AUTH0_DOMAIN: 'a b' },
    { LOG_LEVEL: 'loud', PORT: 'x' }
  ]) {
    const message = refusalOf({ ...hidden, ...violation })
    const names = [...message.matchAll(/^ {2}([A-Z0-9_]+) /gm)].map(([, name]) => name)
    t.strictSame(names.sort(), Object.keys({ ...hidden, ...violation }).sort(), message)
  }
})

t.test('a check of two variables needs both of them', async (t) => {
  const ofAnotherProject = `x.${Buffer.from('{"ref":"other"}').toString('base64url')}.x`
  t.match(refusalOf({ SUPABASE_SERVICE_ROLE_KEY: ofAnotherProject }), /^ {2}SUPABASE_SERVICE_ROLE_KEY /m)
  for (const changes of [
    { SUPABASE_SERVICE_ROLE_KEY: ofAnotherProject, SUPABASE_URL: '' },
    { METRICS_PORT: '70000', PORT: '70000' },
    { METRICS_PORT: '9464', PORT: '70000' }
  ]) {
    const faulty = Object.entries(changes).filter(([, value]) => value === '' || value === '70000')
    t.equal(refusalOf(changes).split('\n').length, 1 + faulty.length, refusalOf(changes))
  }
})

t.test('OTEL_EXPORTER_OTLP_ENDPOINT is the URL of the collector, without the path of traces', async (t) => {
  for (const url of ['http://127.0.0.1:4318', 'https://otlp.example.com/otlp/']) {
    const { tracing } = loadConfig({ ...COMPLETE, OTEL_EXPORTER_OTLP_ENDPOINT: url })
    t.equal(tracing?.endpoint, url.replace(/\/$/, ''))
    for (const path of ['/v1/traces', '/v1/traces/', '/v1/traces?key=hush']) {
      const message = refusalOf({ OTEL_EXPORTER_OTLP_ENDPOINT: `${url}${path}` })
      t.match(message, /^ {2}OTEL_EXPORTER_OTLP_ENDPOINT ends in \/v1\/traces: leave that out/m)
      t.notMatch(message, /hush|127|example/)
    }
  }
  t.match(refusalOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://' }), /OTEL_EXPORTER_OTLP_ENDPOINT is not a URL/)
})

t.test(
  'quotation marks, blanks and comments around any value are named together with other faults',
  async (t) => {
    const values: NodeJS.ProcessEnv = {
      ...COMPLETE,
      PORT: '3000',
      RECORDINGS_ACCESS: 'private',
      LOG_LEVEL: 'info'
    }
    for (const [name, value] of Object.entries(values)) {
      for (const wrapped of [`"${value}"`, `'${value}'`, `${value} `, `${value}\r\n`, `${value} # why`]) {
        const message = refusalOf({ [name]: wrapped, UPLOAD_CONCURRENCY: '0' })
        t.match(
          message,
          new RegExp(`^  ${name} has (quotation marks|blanks or a line break|a comment)`, 'm'),
          name
        )
        t.match(message, /UPLOAD_CONCURRENCY must be >= 1/)
        t.equal(message.split('\n').length, 3, message)
        t.notMatch(message, /hush/)
      }
    }
  }
)

t.test('keys for browsers, cut passwords and URLs of an API are named', async (t) => {
  for (const [name, value, fault] of [
    ['SUPABASE_SERVICE_ROLE_KEY', 'sb_publishable_hush', /publishable key/],
    ['DATABASE_URL', 'postgresql://owner:hush#1@db/x', /# as %23/],
    ['DATABASE_URL', 'postgresql://owner:hush/1@db/x', /\/ as %2F/],
    ['SUPABASE_URL', 'https://hush.supabase.co/storage/v1', /URL of an API/],
    ['SUPABASE_URL', 'https://hush.supabase.co/rest/v1/', /URL of an API/]
  ] as const) {
    const message = refusalOf({ [name]: value })
    t.match(message, new RegExp(`${name} .*${fault.source}`))
    t.notMatch(message, /hush/)
  }
  t.equal(
    loadConfig({ ...COMPLETE, SUPABASE_URL: 'https://example.com/base' }).storage.url,
    'https://example.com/base'
  )
})

t.test('METRICS_PORT is off by default, and another port than PORT', async (t) => {
  t.strictSame(loadConfig({ ...COMPLETE, METRICS_PORT: '9464' }).metrics, { host: '127.0.0.1', port: 9464 })
  t.match(refusalOf({ METRICS_PORT: '3000' }), /^ {2}METRICS_PORT must be another port than PORT$/m)
  t.match(refusalOf({ METRICS_PORT: '70000' }), /^ {2}METRICS_PORT must be <= 65535/m)
})

t.test('the message has no secret', async (t) => {
  for (const changes of [
    { PORT: 'x' },
    { DATABASE_URL: 'mysql://owner:hush-password@db/x' },
    { DATABASE_URL: 'postgresql://owner:hush-password@[db' },
    { SUPABASE_SERVICE_ROLE_KEY: 'hush-kéy' },
    { AUTH0_DOMAIN: 'https://user:hush@[x' },
    { SUPABASE_URL: 'ftp://hush@x' }
  ]) {
    const message = refusalOf(changes)
    t.match(message, Object.keys(changes)[0])
    t.notMatch(message, /hush/)
  }
})

t.test('AUTH0_DOMAIN becomes an issuer with one trailing slash', async (t) => {
  const pairs = {
    'tenant.auth0.com': 'https://tenant.auth0.com/',
    'tenant.auth0.com/': 'https://tenant.auth0.com/',
    'https://tenant.auth0.com': 'https://tenant.auth0.com/',
    'https://login.example.com///': 'https://login.example.com/',
    'http://127.0.0.1:3001': 'http://127.0.0.1:3001/',
    'https://id.example.com/realms/x': 'https://id.example.com/realms/x/'
  }
  for (const [domain, issuer] of Object.entries(pairs)) {
    t.equal(loadConfig({ ...COMPLETE, AUTH0_DOMAIN: domain }).auth.issuer, issuer, domain)
  }
})

t.test('SUPABASE_URL may end in slashes', async (t) => {
  t.equal(
    loadConfig({ ...COMPLETE, SUPABASE_URL: 'https://project.supabase.co//' }).storage.url,
    'https://project.supabase.co'
  )
})

t.test('the service key may be a JWT', async (t) => {
  const key = 'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.x-Y_z'
  t.equal(loadConfig({ ...COMPLETE, SUPABASE_SERVICE_ROLE_KEY: key }).storage.serviceKey, key)
})

t.test('CORS_ORIGINS are separated by commas, with or without spaces', async (t) => {
  t.strictSame(
    loadConfig({ ...COMPLETE, CORS_ORIGINS: ' http://localhost:5173,https://app.example.com , ' })
      .corsOrigins,
    ['http://localhost:5173', 'https://app.example.com']
  )
  for (const origin of [
    '*',
    'app.example.com',
    'https://app.example.com/',
    'https://a.example.com;https://b.example.com',
    'null'
  ]) {
    t.match(refusalOf({ CORS_ORIGINS: origin }), /CORS_ORIGINS must list origins/, origin)
  }
})

t.test('other variables are ignored', async (t) => {
  t.strictSame(loadConfig({ ...COMPLETE, PATH: '/bin', HOME: '/root', UNKNOWN: 'x' }), loadConfig(COMPLETE))
})

const example = await readFile(new URL('../../.env.example', import.meta.url), 'utf8').catch(() => undefined)

t.test(
  '.env.example lists exactly the variables of the schema',
  { skip: example === undefined && 'there is no .env.example' },
  async (t) => {
    const names = [...(example?.matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm) ?? [])].map(([, name]) => name)
    t.strictSame(names.sort(), Object.keys(EnvironmentSchema.properties).sort())
  }
)
