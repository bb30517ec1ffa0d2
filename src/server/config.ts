import { Type, type Static } from '@sinclair/typebox'
import { envSchema } from 'env-schema'
import { isTimeZone } from '../contract/practice-days.ts'

const milliseconds = (description: string, byDefault: number) =>
  Type.Integer({
    minimum: 1,
    maximum: 3_600_000,
    default: byDefault,
    description: `${description}, in milliseconds`
  })

/** The environment: the source of the server's configuration, of `.env.example` and of the README's table. */
export const EnvironmentSchema = Type.Object({
  NODE_ENV: Type.String({ default: 'production', description: 'Free text; only shown in the log' }),
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on' }),
  PORT: Type.Integer({ minimum: 0, maximum: 65535, default: 3000, description: 'Port to listen on' }),
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    description: 'PostgreSQL, as the owner of the tables'
  }),
  DATABASE_POOL_SIZE: Type.Integer({
    minimum: 2,
    maximum: 500,
    default: 10,
    description: 'Connections to PostgreSQL at most'
  }),
  DATABASE_TIMEOUT_MS: milliseconds('How long the database may take before the answer is 503', 5_000),
  AUTH0_DOMAIN: Type.String({
    pattern: '^(https?://)?[^/\\s]+(/\\S*)?$',
    description: 'Auth0 tenant domain, or the http(s) URL of another issuer'
  }),
  AUTH0_AUDIENCE: Type.String({ description: "The API's identifier in Auth0" }),
  AUTH0_TIMEOUT_MS: milliseconds('How long the issuer may take', 5_000),
  SUPABASE_URL: Type.String({ pattern: '^https?://', description: 'Project URL, as Supabase shows it' }),
  SUPABASE_SERVICE_ROLE_KEY: Type.String({ description: 'Service key: a JWT or sb_secret_…' }),
  SUPABASE_BUCKET: Type.String({
    pattern: '^[A-Za-z0-9_.-]+$',
    default: 'harmony-helper-recordings',
    description: 'Bucket of the recordings; made when missing'
  }),
  RECORDINGS_ACCESS: Type.Union([Type.Literal('public'), Type.Literal('private')], {
    default: 'public',
    description:
      'public: whoever knows its URL can hear a recording; private: only by links of limited life, which answers carry'
  }),
  RECORDING_LINK_SECONDS: Type.Integer({
    minimum: 10,
    maximum: 604_800,
    default: 3600,
    description: 'Life of such a link, in seconds'
  }),
  STORAGE_TIMEOUT_MS: milliseconds('How long the storage may go without progress', 30_000),
  CORS_ORIGINS: Type.String({ default: '', description: 'Origins of the frontend, comma-separated' }),
  LOG_LEVEL: Type.Union(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => Type.Literal(level)),
    { default: 'info', description: 'fatal, error, warn, info, debug, trace or silent' }
  ),
  DEFAULT_TIME_ZONE: Type.String({
    default: 'UTC',
    description: 'IANA zone of users who have not told theirs'
  }),
  MAX_RECORDING_BYTES: Type.Integer({
    minimum: 1024,
    maximum: 5 * 1024 ** 3,
    default: 50 * 1024 ** 2,
    description: 'Largest recording, decoded'
  }),
  UPLOAD_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 16,
    description: 'Larger bodies that are received and saved at the same time, a quarter of them for one user'
  }),
  UPLOAD_WAIT_MS: milliseconds('How long the others wait before the answer is 503', 30_000),
  UPLOAD_TIMEOUT_MS: milliseconds('How long a client may send nothing of its body', 30_000),
  SESSION_LEASE_MS: milliseconds(
    'After how long without a sign of life a save counts as dead, and its id is free for others',
    30_000
  ),
  SHUTDOWN_TIMEOUT_MS: milliseconds('How long running requests may take to finish on SIGTERM', 30_000)
})

type Environment = Static<typeof EnvironmentSchema>

export type Config = ReturnType<typeof loadConfig>

/**
 * Reads and checks the environment.
 * @throws {Error} one message that names every missing or invalid variable, and the value of none
 */
export function loadConfig(env: NodeJS.ProcessEnv) {
  const { values, faults } = read(env)
  if (faults.length > 0) {
    throw new Error(`The environment is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
  }
  return {
    environment: values.NODE_ENV,
    logLevel: values.LOG_LEVEL,
    host: values.HOST,
    port: values.PORT,
    corsOrigins: list(values.CORS_ORIGINS),
    defaultTimeZone: values.DEFAULT_TIME_ZONE,
    maxRecordingBytes: values.MAX_RECORDING_BYTES,
    sessionLeaseMs: values.SESSION_LEASE_MS,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
    database: {
      url: values.DATABASE_URL,
      poolSize: values.DATABASE_POOL_SIZE,
      timeoutMs: values.DATABASE_TIMEOUT_MS
    },
    auth: {
      issuer: toIssuer(values.AUTH0_DOMAIN),
      audience: values.AUTH0_AUDIENCE,
      timeoutMs: values.AUTH0_TIMEOUT_MS
    },
    upload: {
      concurrency: values.UPLOAD_CONCURRENCY,
      waitMs: values.UPLOAD_WAIT_MS,
      timeoutMs: values.UPLOAD_TIMEOUT_MS
    },
    storage: {
      url: values.SUPABASE_URL.replace(/\/+$/, ''),
      serviceKey: values.SUPABASE_SERVICE_ROLE_KEY,
      bucket: values.SUPABASE_BUCKET,
      access: values.RECORDINGS_ACCESS,
      linkSeconds: values.RECORDING_LINK_SECONDS,
      timeoutMs: values.STORAGE_TIMEOUT_MS
    }
  }
}

function read(env: NodeJS.ProcessEnv): { values: Environment; faults: string[] } {
  // A variable set to nothing is one that was not set: that is what an empty line in an .env file means.
  const data = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name in EnvironmentSchema.properties && value?.trim())
  )
  try {
    const values = envSchema<Environment>({ schema: EnvironmentSchema, data, env: false })
    return { values, faults: inconsistencies(values) }
  } catch (error) {
    const { errors = [] } = error as { errors?: Fault[] }
    if (errors.length === 0) throw error
    return { values: {} as Environment, faults: [...new Set(errors.map(describe))] }
  }
}

type Fault = { keyword: string; instancePath: string; message?: string; params: Record<string, unknown> }

function describe({ keyword, instancePath, params, message }: Fault): string {
  if (keyword === 'required') {
    return `${params['missingProperty']} is missing: ${purpose(String(params['missingProperty']))}`
  }
  const name = instancePath.slice(1)
  return `${name} ${keyword === 'type' || keyword === 'minimum' || keyword === 'maximum' ? message : 'is not valid'}: ${purpose(name)}`
}

const purpose = (name: string) =>
  (EnvironmentSchema.properties as Record<string, { description?: string }>)[name]?.description ?? ''

function inconsistencies(values: Environment): string[] {
  const checks: Array<[name: keyof Environment, ok: boolean, problem: string]> = [
    [
      'DATABASE_URL',
      URL.canParse(values.DATABASE_URL),
      'is not a URL (characters such as @ or / in the password must be percent-encoded)'
    ],
    ['AUTH0_DOMAIN', URL.canParse(toIssuer(values.AUTH0_DOMAIN)), 'is not a domain or URL'],
    ['SUPABASE_URL', URL.canParse(values.SUPABASE_URL), 'is not a URL'],
    [
      'SUPABASE_SERVICE_ROLE_KEY',
      /^[\x21-\x7e]+$/.test(values.SUPABASE_SERVICE_ROLE_KEY),
      'has characters that no key has'
    ],
    [
      'DEFAULT_TIME_ZONE',
      isTimeZone(values.DEFAULT_TIME_ZONE),
      'is not an IANA time zone such as Europe/Berlin'
    ],
    [
      'CORS_ORIGINS',
      list(values.CORS_ORIGINS).every(isOrigin),
      'must list origins such as https://app.example.com, without a path, separated by commas'
    ]
  ]
  return checks.filter(([, ok]) => !ok).map(([name, , problem]) => `${name} ${problem}`)
}

const list = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)

const isOrigin = (value: string) => URL.canParse(value) && new URL(value).origin === value

/** Auth0's `iss` is the tenant's https URL with one trailing slash. */
const toIssuer = (domain: string) =>
  `${domain.includes('://') ? domain : `https://${domain}`}`.replace(/\/*$/, '/')
