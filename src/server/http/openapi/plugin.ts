import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  LightMyRequestResponse,
  RouteOptions
} from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'

/** Headers of the page's own answers. */
const ANSWER_HEADERS = [
  'content-type',
  'content-security-policy',
  'cache-control',
  'etag',
  'last-modified',
  'location'
]

/** Canonical paths of the page and its files. Another spelling would miss the cache and make the document again. */
const PAGE_PATH = /^\/docs(\/(?!\.+(\/|$))[\w.-]+)*\/?$/

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

  /** Documents by their path. Each is made once: it costs milliseconds, and needs no token. */
  const documents = new LRUCache<string, LightMyRequestResponse>({ max: 10 })

  async function answer(request: FastifyRequest, reply: FastifyReply) {
    const path = request.url.split('?', 1)[0] ?? ''
    if (!PAGE_PATH.test(path)) return reply.callNotFound()
    const answer = await findAnswer(path, request)
    const isRefused = answer.statusCode >= 400 && answer.statusCode < 500
    if (isRefused) return reply.callNotFound()
    for (const name of ANSWER_HEADERS) {
      const value = answer.headers[name]
      if (value !== undefined) reply.header(name, value)
    }
    return reply.code(answer.statusCode).send(answer.rawPayload)
  }

  async function findAnswer(path: string, { headers }: FastifyRequest): Promise<LightMyRequestResponse> {
    const known = documents.get(path)
    if (known) return known
    page ??= loadPage(routes, app.getSchemas())
    const { 'if-none-match': etag = '', 'if-modified-since': since = '' } = headers
    const answer = await (
      await page
    ).inject({ url: path, headers: { 'if-none-match': etag, 'if-modified-since': since } })
    if (answer.statusCode === 200 && isDocument(answer)) documents.set(path, answer)
    return answer
  }
}

const isDocument = ({ headers }: LightMyRequestResponse) => /json|html/.test(String(headers['content-type']))

async function loadPage(routes: RouteOptions[], schemas: Record<string, unknown>): Promise<FastifyInstance> {
  const { createOpenapiPage } = await import('./page.ts')
  return createOpenapiPage(routes, schemas)
}

export default fp(openapi, { name: 'openapi' })
