import { randomUUID } from 'node:crypto'
import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import type { Config } from './config.ts'
import healthRoutes from './http/health.ts'
import { loggerOptions } from './http/logging.ts'
import auth from './auth/plugin.ts'
import { answerClientError } from './http/malformed-requests.ts'
import database from './database/plugin.ts'
import docs from './http/openapi.ts'
import jsonBody from './http/json-parser.ts'
import lastAnswers from './http/drain-connections.ts'
import problemDetails, { answerNotFound, answerWithProblem } from './http/problem-details.ts'
import storage from './storage/plugin.ts'
import sessionRoutes from './sessions/routes.ts'
import statsRoutes from './stats/routes.ts'
import userRoutes from './users/routes.ts'

/** Fifty megabytes over a poor mobile connection; Fastify would wait for ever. */
const SLOWEST_UPLOAD_MS = 15 * 60_000

type Services = { now?: () => Date }

/** The application: reads no environment and does not listen. `now` is the clock by which days are told. */
export async function buildApp(config: Config, { now = () => new Date() }: Services = {}) {
  const app = fastify({
    logger: loggerOptions(config),
    genReqId: ({ headers: { 'x-request-id': given } }) =>
      typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID(),
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, verbose: true, keywords: ['example'] }
    },
    requestTimeout: SLOWEST_UPLOAD_MS,
    frameworkErrors: answerWithProblem,
    clientErrorHandler: answerClientError,
    return503OnClosing: false, // what still comes in is answered as usual, and its connection closed
    routerOptions: { maxParamLength: 200 }
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })

  await app.register(lastAnswers)
  await app.register(problemDetails)
  await app.register(jsonBody)
  await app.register(helmet)
  await app.register(cors, {
    origin: config.corsOrigins,
    methods: ['GET', 'POST', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type'],
    exposedHeaders: ['Link', 'Location', 'Retry-After', 'X-Request-Id'],
    maxAge: 3600,
    strictPreflight: false
  })
  await app.register(docs)

  await app.register(database, { config })
  await app.register(storage, { config })
  await app.register(auth, { config, now })

  await app.register(healthRoutes)
  await app.register(
    async (api) => {
      api.addHook('onRequest', api.authenticate)
      api.setNotFoundHandler(answerNotFound) // of this context, so that who calls is asked first
      await api.register(userRoutes, { config, now })
      await api.register(sessionRoutes, { config, now })
      await api.register(statsRoutes, { config, now })
    },
    { prefix: '/api' }
  )

  return app
}
