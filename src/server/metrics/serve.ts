import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Prometheus needs one. */
const MAX_CONNECTIONS = 20
const REQUEST_TIMEOUT_MS = 10_000
/** Longer than the usual pause between two scrapes. */
const IDLE_MS = 75_000

/**
 * Serves `GET /metrics`, and nothing else, also while the app is closing. Anyone who reaches the port can read it.
 * @throws {Error} METRICS_PORT when it cannot listen
 */
export async function serveMetrics(
  app: FastifyInstance,
  { host, port }: { host: string; port: number }
): Promise<Server> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: IDLE_MS },
    (request, response) => {
      answer(app, request, response).catch((error) => {
        app.log.error({ err: error }, 'The metrics could not be read')
        response.writeHead(500).end()
      })
    }
  )
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = IDLE_MS
  try {
    await once(server.listen(port, host), 'listening')
  } catch (error) {
    throw new Error(`METRICS_PORT: ${(error as Error).message}`, { cause: error })
  }
  app.log.info({ address: server.address() }, 'serving metrics')
  return server
}

async function answer({ metrics }: FastifyInstance, request: IncomingMessage, response: ServerResponse) {
  const { method, url = '' } = request
  if (!['GET', 'HEAD'].includes(method ?? '') || url.split('?', 1)[0] !== '/metrics') {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Only GET /metrics is served here.\n')
    return
  }
  const text = await metrics.metrics()
  response.writeHead(200, { 'content-type': metrics.contentType }).end(text)
}
