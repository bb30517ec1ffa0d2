import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { hasVersion } from '../answers/conditional-read.ts'
import type { Answer } from './make-answers.ts'
import type { DocumentedRoute } from './page.ts'

/**
 * Serves OpenAPI 3.1, generated from the schemas of the routes, at `/docs/json`, and Swagger UI at `/docs`. All answers
 * are made with the first request for one of them, because few servers are ever asked, and are kept.
 */
async function openapi(app: FastifyInstance) {
  const routes: DocumentedRoute[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (method !== 'HEAD' && !schema?.hide) routes.push({ method, url, ...(schema && { schema }) })
  })
  for (const url of ['/docs', '/docs/*']) {
    app.route({ method: 'GET', url, schema: { hide: true }, handler: answer })
  }

  let answers: Promise<ReadonlyMap<string, Answer>> | undefined

  async function answer(request: FastifyRequest, reply: FastifyReply) {
    const path = request.url.split('?', 1)[0] ?? ''
    const found = (await allAnswers()).get(path)
    if (!found) return reply.callNotFound()
    const { statusCode, headers, body } = found
    reply.headers(headers)
    if (headers['etag'] && hasVersion(request, headers['etag'])) return reply.code(304).send()
    return reply.code(statusCode).send(body)
  }

  function allAnswers() {
    answers ??= makeAll().catch((error) => {
      answers = undefined // the next request tries again
      throw error
    })
    return answers
  }

  async function makeAll() {
    const { makeAnswers } = await import('./make-answers.ts')
    return makeAnswers(routes, app.getSchemas())
  }
}

export default fp(openapi, { name: 'openapi' })
