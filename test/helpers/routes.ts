import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, HTTPMethods, RouteOptions } from 'fastify'

/** Routes that need no token. */
export const OPEN_ROUTES = ['GET /healthz', 'GET /readyz', 'GET /docs', 'GET /docs/*', 'OPTIONS *']

export type Route = { name: string; method: HTTPMethods; url: string; options: RouteOptions }

export const needsToken = ({ name }: Route): boolean => !OPEN_ROUTES.includes(name)

/**
 * Collects the routes of the next app that this process builds, and calls `onApp` with it. The list fills
 * while the app is built. HEAD routes are left out.
 */
export function watchRoutes(onApp: (app: FastifyInstance) => void = () => {}): Route[] {
  const routes: Route[] = []
  // The next instance is the app; a later one serves the page of the API.
  subscribe('fastify.initialization', function watch(message) {
    unsubscribe('fastify.initialization', watch)
    const { fastify: app } = message as { fastify: FastifyInstance }
    app.addHook('onRoute', (options) => {
      for (const method of [options.method].flat() as HTTPMethods[]) {
        if (method === 'HEAD') continue
        routes.push({ name: `${method} ${options.url}`, method, url: options.url, options })
      }
    })
    onApp(app)
  })
  return routes
}
