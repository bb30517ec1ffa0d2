import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  LightMyRequestResponse,
  RouteOptions
} from 'fastify'
import fp from 'fastify-plugin'
import { LRUCache } from 'lru-cache'
import { hasVersion } from '../answers/conditional-read.ts'

/** What is kept of an answer of the page. */
type Answer = Pick<LightMyRequestResponse, 'statusCode' | 'headers' | 'rawPayload'>

/** The document, the page and its files are about twelve answers of 2.5 MB in all. */
const MAX_ANSWERS = 30

/** Headers of the page's own answers. */
const ANSWER_HEADERS = ['content-type', 'content-security-policy', 'cache-control', 'etag', 'location']

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

  /** Answers by their path. Each is made once, and its bytes are shared: making it costs much, and anybody may ask. */
  const answers = new LRUCache<string, Answer>({ max: MAX_ANSWERS })
  const beingMade = new Map<string, Promise<Answer>>()

  async function answer(request: FastifyRequest, reply: FastifyReply) {
    const path = request.url.split('?', 1)[0] ?? ''
    if (!PAGE_PATH.test(path)) return reply.callNotFound()
    const { statusCode, headers, rawPayload } = answers.get(path) ?? (await makeOnce(path))
    if (statusCode >= 400 && statusCode < 500) return reply.callNotFound()
    for (const name of ANSWER_HEADERS) {
      const value = headers[name]
      if (value !== undefined) reply.header(name, value)
    }
    const { etag } = headers
    if (typeof etag === 'string' && hasVersion(request, etag)) return reply.code(304).send()
    return reply.code(statusCode).send(rawPayload)
  }

  function makeOnce(path: string): Promise<Answer> {
    const making = beingMade.get(path) ?? make(path).finally(() => beingMade.delete(path))
    beingMade.set(path, making)
    return making
  }

  async function make(path: string): Promise<Answer> {
    page ??= loadPage(routes, app.getSchemas()).catch((error) => {
      page = undefined // the next request tries again
      throw error
    })
    const { statusCode, headers, rawPayload } = await (await page).inject(path)
    const made = { statusCode, headers, rawPayload }
    if (statusCode === 200) answers.set(path, made)
    return made
  }
}

async function loadPage(routes: RouteOptions[], schemas: Record<string, unknown>): Promise<FastifyInstance> {
  const { createOpenapiPage } = await import('./page.ts')
  return createOpenapiPage(routes, schemas)
}

export default fp(openapi, { name: 'openapi' })
