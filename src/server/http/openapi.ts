import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'

/** Headers of the page's own answers. */
const ANSWER_HEADERS = [
  'content-type',
  'content-security-policy',
  'cache-control',
  'etag',
  'last-modified',
  'location'
]

/**
 * Serves OpenAPI 3.1, generated from the schemas of the routes, at `/docs/json`, and Swagger UI at `/docs`.
 * Both are loaded with the first request for them: few servers are ever asked, and it takes time and memory
 * at the start.
 */
async function openapi(app: FastifyInstance) {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD' && !route.schema?.hide) routes.push(route)
  })

  let page: Promise<FastifyInstance> | undefined
  for (const url of ['/docs', '/docs/*']) {
    app.route({ method: 'GET', url, schema: { hide: true }, handler: answer })
  }

  async function answer({ url, headers }: FastifyRequest, reply: FastifyReply) {
    page ??= loadPage(routes, app.getSchemas())
    const { 'if-none-match': etag = '', 'if-modified-since': since = '' } = headers
    const answer = await (
      await page
    ).inject({ url, headers: { 'if-none-match': etag, 'if-modified-since': since } })
    const isRefused = answer.statusCode >= 400 && answer.statusCode < 500 // such as a path that climbs out
    if (isRefused) return reply.callNotFound()
    for (const name of ANSWER_HEADERS) {
      const value = answer.headers[name]
      if (value !== undefined) reply.header(name, value)
    }
    const isText = /json|html/.test(String(answer.headers['content-type']))
    return reply.code(answer.statusCode).send(isText ? answer.payload : answer.rawPayload)
  }
}

async function loadPage(routes: RouteOptions[], schemas: Record<string, unknown>): Promise<FastifyInstance> {
  const { createOpenapiPage } = await import('./openapi-page.ts')
  return createOpenapiPage(routes, schemas)
}

export default fp(openapi, { name: 'openapi' })
