import cors from '@fastify/cors'
import type { DestinationStream } from 'pino'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify from 'fastify'
import accountRoutes from './account/routes.ts'
import auth from './auth/plugin.ts'
import type { Config } from './config.ts'
import database from './database/plugin.ts'
import health from './health/plugin.ts'
import compression from './http/answers/compression.ts'
import { corsOptions } from './http/cors-options.ts'
import admission from './http/limits/admission.ts'
import delayUnverified from './http/limits/delay-unverified.ts'
import deadline, { deadlinesOf } from './http/limits/deadline.ts'
import limitWriteStalls from './http/connections/limit-write-stalls.ts'
import drainConnections from './http/connections/drain-connections.ts'
import jsonParser from './http/bodies/json-parser.ts'
import lazySchemas from './http/lazy-schemas.ts'
import shedLoad from './http/limits/shed-load.ts'
import places from './http/limits/places.ts'
import memoryBudget from './http/limits/memory-budget.ts'
import limitAnswerRate from './http/limits/answer-rate.ts'
import openapi from './http/openapi/plugin.ts'
import problemDetails from './http/problems/problem-details.ts'
import requestBodies from './http/bodies/request-bodies.ts'
import requestId from './http/request-id.ts'
import metrics from './metrics/plugin.ts'
import noStore from './http/answers/no-store.ts'
import serverTiming from './http/answers/server-timing.ts'
import securityHeaders from './http/answers/security-headers.ts'
import { serverOptions, validationOptions } from './http/server-options.ts'
import { refuseUnknownRoutes } from './http/problems/unknown-routes.ts'
import rateLimits from './rate-limits/plugin.ts'
import cleanUp from './reconcile/plugin.ts'
import sessions from './sessions/plugin.ts'
import sessionRoutes from './sessions/routes.ts'
import statsRoutes from './stats/routes.ts'
import storage from './storage/plugin.ts'
import identifyUser from './users/identify-user.ts'
import userRoutes from './users/routes.ts'
import v0Routes from './v0/routes.ts'

type Options = {
  /** The clock that decides which day it is. */
  now?: () => Date
  /** Takes the lines of the log. Default: pino's own, which writes each line to standard output by itself. */
  logOutput?: DestinationStream
}

/** Builds the application. It does not read the environment and does not listen. */
export async function buildApp(config: Config, { now = () => new Date(), logOutput }: Options = {}) {
  const app = fastify(serverOptions(config, logOutput)).withTypeProvider<TypeBoxTypeProvider>()

  await app.register(requestId)
  await app.register(drainConnections)
  if (config.metrics) await app.register(metrics)
  if (config.tracing) await app.register(import('./tracing/plugin.ts'), { tracing: config.tracing })
  if (config.hasServerTiming) await app.register(serverTiming)
  await app.register(limitWriteStalls, { stallMs: config.answerTimeoutMs })
  await app.register(lazySchemas, { validation: validationOptions(now) })
  await app.register(problemDetails)
  await app.register(places, { config })
  await app.register(rateLimits, { config })
  await app.register(auth, { config, now })
  await app.register(shedLoad, { config })
  await app.register(delayUnverified)
  await app.register(deadline, { deadlines: deadlinesOf(config) })
  await app.register(requestBodies)
  await app.register(jsonParser)
  await app.register(securityHeaders)
  await app.register(cors, corsOptions(config))
  await app.register(memoryBudget, { bodyWaitMs: config.bodies.waitMs })
  await app.register(limitAnswerRate)
  await app.register(compression)
  if (config.hasDocs) await app.register(openapi)

  await app.register(database, { config })
  await app.register(storage, { config })
  await app.register(identifyUser, { config })

  await app.register(sessions, { config, now })
  await app.register(cleanUp)

  await app.register(health, { config })
  await app.register(async (scope) => {
    scope.addHook('onRequest', scope.authenticate)
    await scope.register(admission)
    scope.addHook('onRequest', scope.limitUser)
    scope.addHook('onRequest', scope.identifyUser)
    await scope.register(noStore)
    await scope.register(
      async (api) => {
        refuseUnknownRoutes(api)
        await api.register(userRoutes, { config, now })
        await api.register(accountRoutes, { config, now })
        await api.register(sessionRoutes, { config, now })
        await api.register(statsRoutes, { config, now })
      },
      { prefix: '/api' }
    )
    await scope.register(
      async (v0) => {
        refuseUnknownRoutes(v0)
        await v0.register(v0Routes, { config, now })
      },
      { prefix: '/v0' }
    )
  })

  return app
}
