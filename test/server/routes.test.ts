import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, FastifyRequest, HTTPMethods, RouteOptions } from 'fastify'
import t from 'tap'
import { build, startServices } from '../helpers/app.ts'
import { isProblem } from '../helpers/problem.ts'
import { needsServerWithin } from '../helpers/server-command.ts'

/** Routes that need no token. */
const OPEN = ['GET /healthz', 'GET /readyz', 'GET /docs', 'GET /docs/*', 'OPTIONS *']

/** Routes that are no operations of the API. */
const UNDESCRIBED = ['GET /docs', 'GET /docs/*', 'OPTIONS *', 'OPTIONS /api/*', 'OPTIONS /v0/*']

/** Routes that take scores and recordings, or a picture that is left out. */
const LARGE_BODIES = [
  'POST /api/sessions',
  'PATCH /api/sessions/:id',
  'POST /v0/api/sessions',
  'POST /api/users/sync'
]

const SMALL_BODY_BYTES = 16 * 1024
const ID = '3f0c3f5e-6f5c-4d0e-9d9c-0c8f8a3b2a11'

type Route = { name: string; method: HTTPMethods; path: string; options: RouteOptions }

const routes: Route[] = []
const withDeadline = new Set<string>()

/** The next instance is the app; a later one serves the page of the API. */
function watch(message: unknown) {
  unsubscribe('fastify.initialization', watch)
  const { fastify: app } = message as { fastify: FastifyInstance }
  app.addHook('onRoute', (options) => {
    for (const method of [options.method].flat() as HTTPMethods[]) {
      const path = options.url.replace(':id', ID).replace(/^\/?/, '/').replace('*', 'x')
      if (method !== 'HEAD') routes.push({ name: `${method} ${options.url}`, method, path, options })
    }
  })
  // What the handler of unknown routes answers has no route any more when it is sent.
  const names = new WeakMap<FastifyRequest, string>()
  app.addHook('onRequest', async (request) => {
    names.set(request, `${request.method} ${request.routeOptions.url}`)
  })
  app.addHook('onSend', async (request) => {
    if (request.deadlineTimer) withDeadline.add(names.get(request) ?? '')
  })
}

t.test('every route', { skip: needsServerWithin }, async (t) => {
  const services = await startServices(t)
  subscribe('fastify.initialization', watch)
  const { app, as } = await build(t, { services, env: { RATE_LIMIT: '1000' } })
  const clara = as('auth0|clara')
  const isOpen = ({ name }: Route) => OPEN.includes(name)
  const guarded = routes.filter((route) => !isOpen(route))
  const answers = new Map<string, Awaited<ReturnType<typeof clara.call>>>()
  for (const { name, method, path } of routes) answers.set(name, await clara.call(method as 'GET', path))

  t.ok(guarded.length > 15, `${guarded.length} routes`)
  for (const list of [OPEN, UNDESCRIBED, LARGE_BODIES]) {
    t.strictSame(
      list.filter((name) => !routes.some((route) => route.name === name)),
      [],
      'the lists of exceptions name existing routes'
    )
  }

  t.test('needs a token', async (t) => {
    for (const { method, path } of guarded) {
      isProblem(t, await app.inject({ method: method as 'GET', url: path }), 'missing_token')
    }
  })

  t.test('limits the requests of a user', async (t) => {
    for (const { name } of guarded) t.match(answers.get(name)?.headers['ratelimit-policy'], /q=1000/, name)
  })

  t.test('limits its body', async (t) => {
    const limitOf = ({ options }: Route) => options.bodyLimit ?? app.initialConfig.bodyLimit ?? Infinity
    t.strictSame(
      routes
        .filter((route) => limitOf(route) > SMALL_BODY_BYTES)
        .map(({ name }) => name)
        .sort(),
      [...LARGE_BODIES].sort()
    )
    for (const route of guarded.filter(({ method }) => ['POST', 'PATCH', 'DELETE'].includes(method))) {
      const headers = {
        ...clara.headers(),
        'content-type': 'application/json',
        'content-length': String(limitOf(route) + 1)
      }
      const { method, path } = route
      const response = await app.inject({ method: method as 'POST', url: path, headers, payload: '{}' })
      isProblem(t, response, 'body_too_large')
    }
  })

  t.test('describes its answers, errors included', async (t) => {
    for (const { name, options } of routes.filter(({ name }) => !UNDESCRIBED.includes(name))) {
      const statuses = Object.keys((options.schema?.response ?? {}) as object)
      t.ok(
        statuses.some((status) => status.startsWith('2')),
        name
      )
      t.ok(statuses.includes('431'), name)
    }
  })

  t.test('has a deadline', async (t) => {
    t.strictSame(
      routes.map(({ name }) => name).filter((name) => !withDeadline.has(name)),
      []
    )
  })
})
