import t from 'tap'
import { build, startServices } from '../helpers/app.ts'

const services = await startServices(t)
const { app, as } = await build(t, { services })

const preflight = (origin: string, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'OPTIONS',
    url: '/api/sessions/0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10',
    headers: {
      origin,
      'access-control-request-method': 'DELETE',
      'access-control-request-headers': 'authorization, content-type',
      ...headers
    }
  })

const words = (header: unknown) => String(header).toLowerCase().split(/,\s*/).sort()

t.test('both development origins may use every required method and header', async (t) => {
  for (const origin of ['http://localhost:5173', 'http://localhost:8080']) {
    const { statusCode, headers } = await preflight(origin)
    t.equal(statusCode, 204)
    t.equal(headers['access-control-allow-origin'], origin)
    t.strictSame(words(headers['access-control-allow-methods']), ['delete', 'get', 'patch', 'post'])
    t.strictSame(words(headers['access-control-allow-headers']), [
      'authorization',
      'baggage',
      'content-type',
      'if-match',
      'if-none-match',
      'sentry-trace',
      'traceparent'
    ])
    t.match(headers.vary, /Origin/)
  }
})

t.test('any other origin is refused', async (t) => {
  for (const origin of [
    'https://evil.example',
    'http://localhost:5174',
    'https://localhost:5173',
    'http://localhost:5173.evil.example',
    'null'
  ]) {
    const { headers } = await preflight(origin)
    t.equal(headers['access-control-allow-origin'], undefined, origin)
    const answer = await app.inject({ method: 'GET', url: '/healthz', headers: { origin } })
    t.equal(answer.headers['access-control-allow-origin'], undefined)
  }
})

t.test('an allowed origin may read the exposed headers, also on errors', async (t) => {
  const response = await app.inject({
    method: 'GET',
    url: '/api/sessions',
    headers: { origin: 'http://localhost:5173' }
  })
  t.equal(response.statusCode, 401)
  t.equal(response.headers['access-control-allow-origin'], 'http://localhost:5173')
  const exposed = ['link', 'location', 'etag', 'retry-after', 'ratelimit', 'ratelimit-policy', 'x-request-id']
  for (const name of exposed) {
    t.ok(words(response.headers['access-control-expose-headers']).includes(name), name)
  }
  t.equal(
    response.headers['access-control-allow-credentials'],
    undefined,
    'tokens travel in a header, cookies never'
  )
})

t.test('every answer has the security headers', async (t) => {
  const answers = [
    await app.inject('/healthz'),
    await app.inject('/nowhere'),
    await app.inject('/api/sessions'),
    await app.inject('/docs'),
    await as('auth0|clara').list()
  ]
  for (const { headers } of answers) {
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': /max-age=\d{7,}/,
      'content-security-policy': /default-src 'self'/
    })
    t.equal(headers['x-powered-by'], undefined)
    t.equal(headers['server'], undefined)
  }
})

t.test('DOCS=off serves neither the API page nor its document', async (t) => {
  const closed = await build(t, { services, env: { DOCS: 'off' } })
  for (const url of ['/docs', '/docs/json', '/docs/static/index.css']) {
    t.equal((await closed.app.inject({ url })).statusCode, 404, url)
    t.not((await app.inject({ url })).statusCode, 404, url)
  }
})
