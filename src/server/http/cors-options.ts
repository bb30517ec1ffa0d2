import type { FastifyCorsOptions } from '@fastify/cors'
import type { Config } from '../config.ts'

/** Lets the frontend at `config.corsOrigins` call the API and read its headers. */
export const corsOptions = ({ corsOrigins }: Pick<Config, 'corsOrigins'>): FastifyCorsOptions => ({
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
