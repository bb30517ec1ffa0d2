import { Type, type Static } from '@sinclair/typebox'

const milliseconds = (description: string, byDefault: number) =>
  Type.Integer({
    minimum: 1,
    maximum: 3_600_000,
    default: byDefault,
    description: `${description}, in milliseconds`
  })

const quota = (what: string, byDefault: number) =>
  Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    default: byDefault,
    description: `${what} that an account may hold`
  })

const onOrOff = (description: string, byDefault: 'on' | 'off') =>
  Type.Union([Type.Literal('on'), Type.Literal('off')], {
    default: byDefault,
    description: `on, or off: ${description}`
  })

/** An address, a network, or one of the names that Fastify knows. */
const NETWORK = '([0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*(/\\d{1,3})?|loopback|linklocal|uniquelocal)'

/** OpenTelemetry's own names. `parentbased`: a request with a `traceparent` is traced if its caller is. */
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio'
] as const

/** Every environment variable of the server. A test compares `.env.example` with it. */
export const EnvironmentSchema = Type.Object({
  NODE_ENV: Type.String({ default: 'production', description: 'Free text. No effect on the server' }),
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on' }),
  PORT: Type.Integer({ minimum: 0, maximum: 65535, default: 3000, description: 'Port to listen on' }),
  METRICS_PORT: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65535,
      description: 'Port on which GET /metrics is served for Prometheus. Without it there are no metrics'
    })
  ),
  METRICS_HOST: Type.String({ default: '127.0.0.1', description: 'Address for METRICS_PORT to listen on' }),
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    description: 'PostgreSQL URL with the role that owns the tables'
  }),
  DATABASE_POOL_SIZE: Type.Integer({
    minimum: 2,
    maximum: 500,
    default: 10,
    description: 'Maximum number of connections to PostgreSQL'
  }),
  DATABASE_TIMEOUT_MS: milliseconds('Time limit of a database call, after which the answer is 503', 5_000),
  PREPARED_STATEMENTS: Type.Union([Type.Literal('auto'), Type.Literal('on'), Type.Literal('off')], {
    default: 'auto',
    description:
      'Whether statements are prepared: on, off, or auto. auto is off with ?pgbouncer=true or port 6543, where each ' +
      'transaction may get another connection, and on otherwise'
  }),
  AUTH0_DOMAIN: Type.String({
    pattern: '^(https?://)?[^/\\s]+(/\\S*)?$',
    description: 'Auth0 tenant domain, or the http(s) URL of another issuer'
  }),
  AUTH0_AUDIENCE: Type.String({ description: "The API's identifier in Auth0" }),
  AUTH0_TIMEOUT_MS: milliseconds('Time limit for reading the signing keys of the issuer', 5_000),
  SUPABASE_URL: Type.String({ pattern: '^https?://', description: 'Project URL, as shown by Supabase' }),
  SUPABASE_SERVICE_ROLE_KEY: Type.String({ description: 'Service key: a JWT or sb_secret_…' }),
  SUPABASE_BUCKET: Type.String({
    pattern: '^[A-Za-z0-9_.-]+$',
    default: 'harmony-helper-recordings',
    description: 'Bucket of the recordings. Created if it is missing'
  }),
  RECORDINGS_ACCESS: Type.Union([Type.Literal('public'), Type.Literal('private')], {
    default: 'public',
    description:
      'public: anyone who knows the URL of a recording can play it; private: answers have signed URLs of limited life'
  }),
  RECORDING_LINK_SECONDS: Type.Integer({
    minimum: 10,
    maximum: 604_800,
    default: 3600,
    description: 'Life of a signed URL, in seconds'
  }),
  STORAGE_TIMEOUT_MS: milliseconds(
    'How long the storage may make no progress before the answer is 503',
    30_000
  ),
  CORS_ORIGINS: Type.String({ default: '', description: 'Origins of the frontend, separated by commas' }),
  LOG_LEVEL: Type.Union(
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => Type.Literal(level)),
    { default: 'info', description: 'fatal, error, warn, info, debug, trace or silent' }
  ),
  DEFAULT_TIME_ZONE: Type.String({
    default: 'UTC',
    description: 'IANA time zone of users who have not sent theirs'
  }),
  MAX_RECORDING_BYTES: Type.Integer({
    minimum: 1024,
    maximum: 5 * 1024 ** 3,
    default: 50 * 1024 ** 2,
    description: 'Largest recording, in bytes after base64 decoding'
  }),
  UPLOAD_CONCURRENCY: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 16,
    description: 'Large bodies received and saved at the same time; a quarter of them per user'
  }),
  UPLOAD_WAIT_MS: milliseconds('How long a large body waits for its turn before the answer is 503', 40_000),
  UPLOAD_TIMEOUT_MS: milliseconds(
    'How long a client may send no byte of its body before the answer is 408',
    30_000
  ),
  ANSWER_TIMEOUT_MS: milliseconds(
    'How long a client may take no byte of an answer before its connection is closed',
    30_000
  ),
  MAX_CONNECTIONS_PER_ADDRESS: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'Connections from one address at a time. No limit by default: a proxy, or a school, is one address'
    })
  ),
  TRUST_PROXY: Type.Optional(
    Type.String({
      pattern: `^\\s*${NETWORK}(\\s*,\\s*${NETWORK})*\\s*$`,
      description:
        'Proxies whose X-Forwarded-For is believed: addresses, networks or loopback, linklocal, uniquelocal, ' +
        'separated by commas'
    })
  ),
  RATE_LIMIT: Type.String({
    pattern: '^(off|[1-9]\\d{0,6})$',
    default: '300',
    description: 'off, or how many requests of one user in ten seconds are answered; further ones get 429'
  }),
  QUOTA_SESSIONS: quota('Sessions', 100_000),
  QUOTA_TEXT_BYTES: quota('Bytes of scores, feedback and notes', 2 * 1000 ** 3),
  QUOTA_RECORDINGS_BYTES: quota('Bytes of recordings', 100 * 1000 ** 3),
  DOCS: onOrOff('whether the API page and the OpenAPI document are served under /docs', 'on'),
  SERVER_TIMING: onOrOff(
    'whether answers have the header Server-Timing, with the time of each step. For development',
    'off'
  ),
  BLOCKED_USERS: Type.String({
    pattern: '^[0-9A-Fa-f,\\s-]*$',
    default: '',
    description: 'Ids of users who get 403, separated by commas'
  }),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://',
      description:
        'Redis that counts the requests of all instances together. Without it, each instance counts its own'
    })
  ),
  SESSION_LEASE_MS: milliseconds(
    'A save or deletion that stops renewing its lease loses it after this time',
    30_000
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description:
        'OpenTelemetry collector that receives traces by OTLP over HTTP, without /v1/traces. Without it there are no ' +
        'traces'
    })
  ),
  OTEL_EXPORTER_OTLP_HEADERS: Type.String({
    pattern: '^([^=,]+=[^,]*(,|$))*$',
    default: '',
    description: 'Headers for the collector: name=value, percent-encoded, separated by commas'
  }),
  OTEL_SERVICE_NAME: Type.String({
    default: 'harmony-helper',
    description: 'Name of the server in its traces'
  }),
  OTEL_TRACES_SAMPLER: Type.Union(
    SAMPLERS.map((sampler) => Type.Literal(sampler)),
    { default: 'parentbased_always_on', description: `Which requests are traced: ${SAMPLERS.join(', ')}` }
  ),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description: 'Share of the requests that traceidratio and parentbased_traceidratio choose, from 0 to 1'
  }),
  DRAIN_DELAY_MS: Type.Integer({
    minimum: 0,
    maximum: 600_000,
    default: 0,
    description:
      'How long the server goes on accepting requests after SIGTERM, until the balancer has noticed, in milliseconds'
  }),
  SHUTDOWN_TIMEOUT_MS: milliseconds('How long running requests may take after DRAIN_DELAY_MS', 30_000)
})

export type Environment = Static<typeof EnvironmentSchema>
