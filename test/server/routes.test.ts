import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { build, startServices } from '../helpers/app.ts'
import { isProblem } from '../helpers/problem.ts'
import { needsToken, OPEN_ROUTES, watchRoutes, type Route } from '../helpers/routes.ts'
import { needsServerWithin } from '../helpers/server-command.ts'

/** Routes that are no operations of the API. */
const UNDESCRIBED = ['GET /docs', 'GET /docs/*', 'OPTIONS *', 'OPTIONS /api/*', 'OPTIONS /v0/*']

/** Routes that take scores and recordings, a picture that is left out, or an archive. */
const LARGE_BODIES = [
  'POST /api/sessions',
  'PATCH /api/sessions/:id',
  'POST /v0/api/sessions',
  'POST /api/users/sync',
  'POST /v0/api/users/sync',
  'POST /api/users/me/import'
]

const SMALL_BODY_BYTES = 16 * 1024
const ID = '3f0c3f5e-6f5c-4d0e-9d9c-0c8f8a3b2a11'

const withDeadline = new Set<string>()

const pathOf = ({ url }: Route) => url.replace(':id', ID).replace(/^\/?/, '/').replace('*', 'x')

t.test('every route', { skip: needsServerWithin }, async (t) => {
  const services = await startServices(t)
  const routes = watchRoutes((app) => {
    // What the handler of unknown routes answers has no route any more when it is sent.
    const names = new WeakMap<FastifyRequest, string>()
    app.addHook('onRequest', async (request) => {
      names.set(request, `${request.method} ${request.routeOptions.url}`)
    })
    app.addHook('onSend', async (request) => {
      if (request.deadlineTimer) withDeadline.add(names.get(request) ?? '')
    })
  })
  const { app, as } = await build(t, { services, env: { RATE_LIMIT: '1000' } })
  const clara = as('auth0|clara')
  const guarded = routes.filter(needsToken)
  const answers = new Map<string, Awaited<ReturnType<typeof clara.call>>>()
  for (const route of routes) {
    answers.set(route.name, await clara.call(route.method as 'GET', pathOf(route)))
  }

  t.ok(guarded.length > 15, `${guarded.length} routes`)
  for (const list of [OPEN_ROUTES, UNDESCRIBED, LARGE_BODIES]) {
    t.strictSame(
      list.filter((name) => !routes.some((route) => route.name === name)),
      [],
      'the lists of exceptions name existing routes'
    )
  }

  t.test('needs a token', async (t) => {
    for (const route of guarded) {
      const request = { method: route.method as 'GET', url: pathOf(route) }
      isProblem(t, await app.inject(request), 'missing_token')
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
      const request = { method: route.method as 'POST', url: pathOf(route), headers, payload: '{}' }
      const response = await app.inject(request)
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
