import t from 'tap'
import { build } from '../../../helpers/app.ts'
import { isProblem } from '../../../helpers/problem.ts'

const { app, as } = await build(t)
const clara = as('auth0|clara')
const id = '0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10'

t.test('a known path with another method is 405 with Allow, before its body is read', async (t) => {
  for (const [url, method, allow] of [
    ['/api/sessions', 'PUT', 'GET, HEAD, POST, OPTIONS'],
    ['/api/sessions', 'DELETE', 'GET, HEAD, POST, OPTIONS'],
    ['/api/sessions/', 'DELETE', 'GET, HEAD, POST, OPTIONS'],
    ['/api/sessions?limit=5', 'TRACE', 'GET, HEAD, POST, OPTIONS'],
    ['/api/users/sync', 'GET', 'POST, OPTIONS'],
    ['/api/users/sync', 'HEAD', 'POST, OPTIONS'],
    ['/api/stats', 'POST', 'GET, HEAD, OPTIONS'],
    [`/api/sessions/${id}/recording/complete`, 'GET', 'POST, OPTIONS'],
    ['/api/sessions/x/recording', 'GET', 'POST, DELETE, OPTIONS']
  ] as const) {
    const response = await app.inject({
      method: method as 'GET',
      url,
      headers: { ...clara.headers(), 'content-type': 'text/plain' },
      ...(method === 'PUT' && { payload: 'not json' })
    })
    t.equal(response.statusCode, 405, `${method} ${url}`)
    t.equal(response.headers.allow, allow, `${method} ${url}`)
    if (method !== 'HEAD') isProblem(t, response, 'method_not_allowed')
  }
})

t.test('an unknown path is 404 with any method', async (t) => {
  for (const url of ['/api', '/api/', '/api/nowhere', '/api/sessions/x/y', '/api/users']) {
    for (const method of ['GET', 'PUT', 'POST', 'OPTIONS'] as const) {
      isProblem(t, await clara.call(method, url), 'route_not_found')
    }
  }
})

t.test('401 comes before 404 and 405', async (t) => {
  for (const [method, url] of [
    ['GET', '/api/nowhere'],
    ['OPTIONS', '/api/nowhere'],
    ['PUT', '/api/sessions'],
    ['OPTIONS', '/api/sessions'],
    ['HEAD', '/api/users/sync']
  ] as const) {
    const response = await app.inject({ method, url })
    t.equal(response.statusCode, 401, `${method} ${url}`)
    t.equal(response.headers['www-authenticate'], 'Bearer')
  }
})

t.test('a preflight needs no token, and an OPTIONS request that is none is 405', async (t) => {
  const preflight = { origin: 'http://localhost:5173', 'access-control-request-method': 'POST' }
  for (const url of ['/api/sessions', '/api/nowhere']) {
    const response = await app.inject({ method: 'OPTIONS', url, headers: preflight })
    t.equal(response.statusCode, 204)
    t.equal(response.headers['access-control-allow-origin'], 'http://localhost:5173')
  }
  isProblem(t, await clara.call('OPTIONS', '/api/sessions'), 'method_not_allowed')
})

t.test('a trailing slash does not count', async (t) => {
  await clara.sync()
  t.equal(
    (await clara.call('POST', '/api/sessions/', { songName: 'a', instrument: 'b', duration: 1 })).statusCode,
    201
  )
  t.equal((await clara.call('GET', '/api/sessions/')).json<unknown[]>().length, 1)
  t.equal((await clara.call('GET', '/api/stats/?tz=UTC')).statusCode, 200)
})
