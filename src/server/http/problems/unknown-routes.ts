import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError } from '../../errors.ts'

/**
 * Answers requests of this scope for which there is no route, before their body is read: 405 with `Allow` for
 * a known path with another method, otherwise 404. Call it before the routes are registered and after the
 * hook that authenticates.
 */
export function refuseUnknownRoutes(scope: FastifyInstance): void {
  const methods = new Map<string, Set<string>>()

  const refuse = async (request: FastifyRequest) => {
    const allowed = methods.get([...methods.keys()].find((pattern) => matches(pattern, request.url)) ?? '')
    throw allowed ? methodNotAllowed([...allowed, 'OPTIONS']) : routeNotFound()
  }

  scope.setNotFoundHandler(refuse)
  // An OPTIONS request that is no preflight would otherwise reach the route of @fastify/cors, outside of this
  // scope.
  scope.options('/*', { schema: { hide: true } }, refuse)

  scope.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    methods.set(url, known)
    for (const name of [method].flat()) known.add(name)
  })
  scope.addHook('onRequest', async (request) => {
    if (request.is404) await refuse(request)
  })
}

/** Whether a URL has the path of a route's pattern, such as `/api/sessions/:id`. */
function matches(pattern: string, url: string): boolean {
  const expected = segmentsOf(pattern)
  const given = segmentsOf(url.split('?', 1)[0] ?? '')
  return (
    expected.length === given.length &&
    expected.every((segment, index) => segment === given[index] || (segment.startsWith(':') && given[index]))
  )
}

/** A trailing slash does not count, as in the router. */
const segmentsOf = (path: string) => path.replace(/\/$/, '').split('/')

/** RFC 9110, section 15.5.6. OPTIONS is allowed for preflights. */
const methodNotAllowed = (allowed: string[]) =>
  new ApiError('method_not_allowed', `Use one of the methods ${allowed.join(', ')}.`, {
    headers: { allow: allowed.join(', ') }
  })

/** The error for a path that no route has. */
export const routeNotFound = () => new ApiError('route_not_found', 'See /docs for the existing routes.')
