import type { FastifyHttpOptions } from 'fastify'
import type { Server } from 'node:http'
import type { DestinationStream } from 'pino'
import type { Config } from '../config.ts'
import { createLimitedServer } from './connections/limited-server.ts'
import { createRequestLog, loggerOptions } from './logging.ts'
import { answerClientError } from './problems/malformed-requests.ts'
import { answerWithProblem } from './problems/problem-details.ts'
import { generateRequestId } from './request-id.ts'
import { escapeUndecodable } from './escape-undecodable.ts'
import { compilePattern, schemaKeywords } from './schema-keywords.ts'

/** Time for a body to arrive: enough for 50 MB over a poor mobile connection. See `deadline`. */
export const BODY_TIMEOUT_MS = 15 * 60_000

/** Ends what no other limit has ended: longer than the deadline of any route. Fastify's default has no limit. */
const REQUEST_TIMEOUT_MS = 3 * 60 * 60_000

/** Largest body of a route that does not say otherwise. */
const DEFAULT_BODY_LIMIT = 16 * 1024

/** Node.js' limit of the head of a request. */
const MAX_HEADER_BYTES = 16 * 1024

/** Options of Ajv for the validation of requests. */
export const validationOptions = (now: () => Date) => ({
  allErrors: true,
  code: { regExp: compilePattern },
  coerceTypes: false as const,
  removeAdditional: false,
  verbose: true,
  keywords: schemaKeywords(now),
  // Tests validate the schemas. To do it here, Ajv would compile the schema of schemas for the first request.
  validateSchema: false
})

/** Options of the Fastify server: logging, validation and what happens before a route is found. */
export const serverOptions = (
  config: Pick<Config, 'logLevel' | 'maxConnectionsPerAddress' | 'trustProxy'>,
  logOutput?: DestinationStream
) =>
  ({
    logger: loggerOptions(config, logOutput),
    logController: createRequestLog(),
    genReqId: generateRequestId,
    trustProxy: config.trustProxy,
    bodyLimit: DEFAULT_BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    serverFactory: (handle, options) =>
      createLimitedServer(handle, { ...options, maxConnectionsPerAddress: config.maxConnectionsPerAddress }),
    rewriteUrl: escapeUndecodable,
    frameworkErrors: answerWithProblem,
    clientErrorHandler: answerClientError,
    return503OnClosing: false, // requests that arrive while closing are answered: see drain-connections.ts
    // As long as the longest URL. With a smaller limit the router would answer 400 before authentication.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES, ignoreTrailingSlash: true }
  }) satisfies FastifyHttpOptions<Server>
