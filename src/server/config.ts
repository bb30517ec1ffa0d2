import { toIssuer, toList } from './environment/convert.ts'
import { schemaOf } from './environment/database-url.ts'
import { readEnvironment } from './environment/read.ts'

/**
 * How long an upload URL of hosted Supabase is valid, in milliseconds. It accepts bytes also after its upload was
 * replaced or deleted.
 */
export const UPLOAD_URL_LIFE_MS = 2 * 3_600_000

export type Config = ReturnType<typeof loadConfig>

/**
 * The server's configuration from its environment.
 * @throws {Error} one message with every missing or invalid variable, and no value
 */
export function loadConfig(env: NodeJS.ProcessEnv) {
  const values = readEnvironment(env)
  return {
    logLevel: values.LOG_LEVEL,
    host: values.HOST,
    port: values.PORT,
    corsOrigins: toList(values.CORS_ORIGINS),
    defaultTimeZone: values.DEFAULT_TIME_ZONE,
    maxRecordingBytes: values.MAX_RECORDING_BYTES,
    sessionLeaseMs: values.SESSION_LEASE_MS,
    answerTimeoutMs: values.ANSWER_TIMEOUT_MS,
    maxConnectionsPerAddress: values.MAX_CONNECTIONS_PER_ADDRESS,
    trustProxy: values.TRUST_PROXY === undefined ? false : toList(values.TRUST_PROXY),
    rateLimit: values.RATE_LIMIT === 'off' ? undefined : Number(values.RATE_LIMIT),
    quotas: {
      sessions: values.QUOTA_SESSIONS,
      textBytes: values.QUOTA_TEXT_BYTES,
      recordingsBytes: values.QUOTA_RECORDINGS_BYTES
    },
    hasDocs: values.DOCS === 'on',
    hasServerTiming: values.SERVER_TIMING === 'on',
    blockedUsers: new Set(toList(values.BLOCKED_USERS.toLowerCase())),
    redisUrl: values.REDIS_URL,
    metrics:
      values.METRICS_PORT === undefined
        ? undefined
        : { host: values.METRICS_HOST, port: values.METRICS_PORT },
    tracing:
      values.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
        ? undefined
        : {
            endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, ''),
            headers: values.OTEL_EXPORTER_OTLP_HEADERS,
            serviceName: values.OTEL_SERVICE_NAME,
            sampler: values.OTEL_TRACES_SAMPLER,
            ratio: values.OTEL_TRACES_SAMPLER_ARG
          },
    drainDelayMs: values.DRAIN_DELAY_MS,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
    database: {
      url: values.DATABASE_URL,
      schema: schemaOf(values.DATABASE_URL),
      poolSize: values.DATABASE_POOL_SIZE,
      timeoutMs: values.DATABASE_TIMEOUT_MS,
      preparedStatements: values.PREPARED_STATEMENTS
    },
    auth: {
      issuer: toIssuer(values.AUTH0_DOMAIN),
      audience: values.AUTH0_AUDIENCE,
      timeoutMs: values.AUTH0_TIMEOUT_MS
    },
    bodies: {
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
