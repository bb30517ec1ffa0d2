import type { FastifyCorsOptions } from '@fastify/cors'
import type { Config } from '../config.ts'

/** Lets the frontend at `config.corsOrigins` call the API and read its headers. */
export const corsOptions = ({ corsOrigins }: Pick<Config, 'corsOrigins'>): FastifyCorsOptions => ({
  origin: corsOrigins,
  methods: ['GET', 'POST', 'DELETE'],
  allowedHeaders: ['Authorization', 'Content-Type'],
  exposedHeaders: ['Link', 'Location', 'Retry-After', 'X-Request-Id'],
  maxAge: 3600,
  strictPreflight: false
})
