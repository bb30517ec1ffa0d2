import type { FastifyCorsOptions, FastifyCorsOptionsDelegateCallback } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'

/**
 * Lets the frontend at `config.corsOrigins` call the API and read its headers. A preflight needs no token;
 * any other OPTIONS request goes the way of other requests.
 */
export function corsOptions(config: Pick<Config, 'corsOrigins'>) {
  const options = createOptions(config)
  const forPreflight = { ...options, preflight: true }
  const forOthers = { ...options, preflight: false }
  const delegator: FastifyCorsOptionsDelegateCallback = (request, done) =>
    done(null, isPreflight(request) ? forPreflight : forOthers)
  return { delegator }
}

/** Fetch standard, "CORS-preflight request". */
const isPreflight = ({ headers }: FastifyRequest) => headers['access-control-request-method'] !== undefined

const createOptions = ({ corsOrigins }: Pick<Config, 'corsOrigins'>): FastifyCorsOptions => ({
  origin: corsOrigins,
  methods: ['GET', 'POST', 'PATCH', 'DELETE'],
  allowedHeaders: [
    'Authorization',
    'Content-Type',
    'If-Match',
    'If-None-Match',
    // Sent by Sentry and OpenTelemetry in the browser.
    'sentry-trace',
    'baggage',
    'traceparent'
  ],
  exposedHeaders: [
    'Link',
    'Location',
    'ETag',
    'Retry-After',
    'RateLimit',
    'RateLimit-Policy',
    'X-Request-Id'
  ],
  maxAge: 3600,
  strictPreflight: false
})
