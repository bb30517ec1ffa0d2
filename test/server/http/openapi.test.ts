import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { problems } from '../../../src/contract/problem.ts'
import { build } from '../../helpers/app.ts'
import { fixture } from '../../helpers/recordings.ts'

type Schema = Record<string, unknown>
type Media = { schema?: Schema; example?: unknown; examples?: Record<string, { value: unknown }> }
type Content = Record<string, Media>
type Operation = {
  operationId?: string
  summary?: string
  tags?: string[]
  security?: unknown[]
  parameters?: Array<{ name: string; in: string; required?: boolean; description?: string; schema: Schema }>
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
}
type OpenApi = {
  openapi: string
  info: Record<string, string>
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, Schema>>
}

const { app, as } = await build(t)
const document = (await app.inject('/docs/json')).json<OpenApi>()
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    method,
    operation
  }))
)

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(ajv)
ajv.addSchema({ ...document, $id: 'openapi' })

const pointer = (...steps: string[]) =>
  `openapi#/${steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`

function fits(t: Test, value: unknown, where: string) {
  const validate = ajv.getSchema(where) ?? ajv.compile({ $ref: where })
  t.ok(validate(value), `${where}: ${ajv.errorsText(validate.errors)}`)
}

const examplesOf = ({ schema, example, examples }: Media): unknown[] => [
  ...(example === undefined ? [] : [example]),
  ...Object.values(examples ?? {}).map(({ value }) => value),
  ...((schema?.['examples'] as unknown[] | undefined) ?? [])
]

t.test('the document is OpenAPI 3.1', async (t) => {
  t.match(document, {
    openapi: /^3\.1\.\d+$/,
    info: { title: /\w/, version: /^\d/ },
    components: { securitySchemes: { auth0: { type: 'http', scheme: 'bearer' } } }
  })
  const ids = operations.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, ids.length, 'operation ids are unique')
  for (const { name, path, operation } of operations) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
    t.strictSame(
      operation.parameters
        ?.filter((parameter) => parameter.in === 'path')
        .map((parameter) => parameter.name) ?? [],
      inPath,
      name
    )
    for (const parameter of operation.parameters ?? []) {
      t.match(
        parameter,
        { in: /^(path|query|header)$/, description: /\w/, schema: {} },
        `${name} ${parameter.name}`
      )
    }
    for (const [status, { description }] of Object.entries(operation.responses)) {
      t.match(status, /^[1-5]\d\d$/)
      t.type(description, 'string')
    }
  }
})

t.test('every schema is valid JSON Schema 2020-12, and every reference resolves', async (t) => {
  const schemas: Schema[] = []
  JSON.stringify(document, (key, value: unknown) => {
    if (key === 'schema') schemas.push(value as Schema)
    return value
  })
  t.ok(schemas.length > 20)
  for (const schema of [...schemas, ...Object.values(document.components['schemas'] ?? {})]) {
    t.ok(ajv.validateSchema(schema), JSON.stringify(ajv.errors))
  }
  for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
    t.doesNotThrow(() => ajv.compile({ $ref: `openapi${reference}` }), String(reference))
  }
})

t.test('the document describes exactly the existing routes', async (t) => {
  t.strictSame(
    operations
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('HEAD'))
      .sort(),
    [
      'DELETE /api/sessions/{id}',
      'DELETE /api/sessions/{id}/recording',
      'GET /api/sessions',
      'GET /api/sessions/{id}',
      'GET /api/stats',
      'GET /api/stats/days',
      'GET /healthz',
      'GET /readyz',
      'PATCH /api/sessions/{id}',
      'POST /api/sessions',
      'POST /api/sessions/{id}/recording',
      'POST /api/sessions/{id}/recording/complete',
      'POST /api/users/sync'
    ]
  )
  for (const { name, operation } of operations) t.match(operation, { summary: /\w+ \w+/, tags: [/\w/] }, name)
})

t.test('only the health routes need no token', async (t) => {
  for (const { name, path, operation } of operations) {
    if (path.startsWith('/api/')) {
      t.equal(operation.security, undefined, `${name} has the document's security`)
    } else t.strictSame(operation.security, [], name)
  }
  t.strictSame((document as unknown as { security: unknown }).security, [{ auth0: [] }])
})

t.test('every request and response has an example that matches its schema', async (t) => {
  for (const { name, path, method, operation } of operations) {
    const { requestBody, responses } = operation
    for (const [type, media] of Object.entries(requestBody?.content ?? {})) {
      t.not(examplesOf(media).length, 0, `${name} request`)
      for (const example of examplesOf(media)) {
        fits(t, example, pointer('paths', path, method, 'requestBody', 'content', type, 'schema'))
      }
    }
    for (const [status, { content }] of Object.entries(responses)) {
      if (status === '204' || status === '304') continue
      t.ok(content, `${name} ${status} has content`)
      for (const [type, media] of Object.entries(content ?? {})) {
        t.not(examplesOf(media).length, 0, `${name} ${status}`)
        for (const example of examplesOf(media)) {
          fits(t, example, pointer('paths', path, method, 'responses', status, 'content', type, 'schema'))
        }
      }
    }
  }
})

t.test('every error response is a problem and names its codes', async (t) => {
  const documented = new Set<string>()
  for (const { name, operation } of operations.filter(({ path }) => path.startsWith('/api/'))) {
    for (const status of ['400', '401', '500', '503']) {
      if (status !== '400' || operation.parameters || operation.requestBody) {
        t.ok(operation.responses[status], `${name} ${status}`)
      }
    }
    for (const [status, { description, content }] of Object.entries(operation.responses).filter(
      ([status]) => Number(status) >= 400
    )) {
      const { schema, examples = {} } = content?.['application/problem+json'] ?? {}
      t.strictSame(Object.keys(content ?? {}), ['application/problem+json'], `${name} ${status}`)
      t.ok(schema?.['$ref'], `${name} ${status} refers to the one schema`)
      for (const [code, { value }] of Object.entries(examples)) {
        documented.add(code)
        t.match(value, { code, status: Number(status), type: `/docs#${code}` })
        t.match(description, `\`${code}\``)
      }
    }
  }
  t.strictSame(
    [...documented, 'headers_too_large', 'route_not_found'].sort(),
    Object.keys(problems).sort(),
    'none is left out that a route can answer'
  )
})

t.test('response headers are documented', async (t) => {
  const text = (path: string, method: string, status: string) =>
    JSON.stringify(document.paths[path]?.[method]?.responses[status]).toLowerCase()
  t.match(text('/api/sessions', 'get', '200'), 'link')
  t.match(text('/api/sessions', 'post', '201'), 'location')
  t.match(text('/api/sessions', 'post', '503'), 'retry-after')
  for (const method of ['get', 'patch']) t.match(text('/api/sessions/{id}', method, '200'), 'etag')
})

t.test('the answers of the server match the document', async (t) => {
  const clara = as('auth0|clara')
  const audioBytes = await fixture('recording.webm')
  const audioBase64 = audioBytes.toString('base64')
  const is = (response: LightMyRequestResponse, method: string, path: string, expected: number) => {
    t.equal(response.statusCode, expected, `${method} ${path}`)
    const type = String(response.headers['content-type']).split(';')[0] ?? ''
    fits(
      t,
      response.json(),
      pointer('paths', path, method, 'responses', String(expected), 'content', type, 'schema')
    )
    return response
  }
  is(await clara.save(), 'post', '/api/sessions', 409)
  is(await clara.stats(), 'get', '/api/stats', 200)
  is(await clara.sync({ timeZone: 'Asia/Tokyo' }), 'post', '/api/users/sync', 201)
  is(await clara.sync({ name: null, picture: 'https://x.example/p' }), 'post', '/api/users/sync', 200)
  is(await clara.sync({ auth0_id: 'x' }), 'post', '/api/users/sync', 403)
  is(await clara.sync({ auth0_id: undefined }), 'post', '/api/users/sync', 400)
  const whole = is(
    await clara.save({ xmlContent: '<x/>', analysis: { scoreAccuracy: 5 }, audioBase64 }),
    'post',
    '/api/sessions',
    201
  ).json<{ id: string }>()
  const bare = is(await clara.save(), 'post', '/api/sessions', 201).json<{ id: string }>()
  is(await clara.save({ id: bare.id }), 'post', '/api/sessions', 200)
  is(await clara.save({ id: bare.id, duration: 1 }), 'post', '/api/sessions', 409)
  is(await clara.save({ audioBase64: 'aGVsbG8=' }), 'post', '/api/sessions', 415)
  const upload = is(
    await clara.call('POST', `/api/sessions/${bare.id}/recording`, { contentType: 'audio/webm', bytes: 5 }),
    'post',
    '/api/sessions/{id}/recording',
    201
  ).json<{ uploadId: string }>()
  is(
    await clara.call('POST', `/api/sessions/${bare.id}/recording/complete`, upload),
    'post',
    '/api/sessions/{id}/recording/complete',
    409
  )
  is(
    await clara.call('POST', `/api/sessions/${whole.id}/recording`, { contentType: 'audio/webm', bytes: 5 }),
    'post',
    '/api/sessions/{id}/recording',
    409
  )
  is(
    await clara.call('POST', `/api/sessions/${whole.id}/recording/complete`, {
      uploadId: upload.uploadId.replace(/-5$/, `-${audioBytes.length}`)
    }),
    'post',
    '/api/sessions/{id}/recording/complete',
    200
  )
  is(await clara.list(), 'get', '/api/sessions', 200)
  is(await clara.list('?limit=0'), 'get', '/api/sessions', 400)
  for (const { id } of [whole, bare]) is(await clara.get(id), 'get', '/api/sessions/{id}', 200)
  const edit = (fields: object) => clara.call('PATCH', `/api/sessions/${bare.id}`, fields)
  is(await edit({ notes: 'x', analysis: { markedXml: '<x/>' } }), 'patch', '/api/sessions/{id}', 200)
  is(await edit({ songName: null }), 'patch', '/api/sessions/{id}', 400)
  is(await clara.get(whole.id.replaceAll(/\w/g, '0')), 'get', '/api/sessions/{id}', 404)
  is(await clara.stats(), 'get', '/api/stats', 200)
  is(await clara.stats('?tz=x'), 'get', '/api/stats', 400)
  const days = '/api/stats/days?from=2026-01-01&to='
  is(await clara.call('GET', `${days}2026-12-31`), 'get', '/api/stats/days', 200)
  is(await clara.call('GET', `${days}2025-12-31`), 'get', '/api/stats/days', 400)
  is(await app.inject('/api/stats'), 'get', '/api/stats', 401)
  is(await app.inject('/healthz'), 'get', '/healthz', 200)
  is(await app.inject('/readyz'), 'get', '/readyz', 200)
})

t.test('the documented examples work', async (t) => {
  const bodyOf = (path: string, method = 'post') =>
    examplesOf(document.paths[path]?.[method]?.requestBody?.content['application/json'] ?? {})[0] as Record<
      string,
      unknown
    >
  const user = bodyOf('/api/users/sync')
  const clara = as(String(user['auth0_id']))
  t.equal((await clara.call('POST', '/api/users/sync', user)).statusCode, 201)
  const saved = await clara.call('POST', '/api/sessions', bodyOf('/api/sessions'))
  t.equal(saved.statusCode, 201)
  const changes = bodyOf('/api/sessions/{id}', 'patch')
  t.equal((await clara.call('PATCH', String(saved.headers.location), changes)).statusCode, 200)
})

t.test('the page and all its assets are served', async (t) => {
  const page = await app.inject({ url: '/docs', headers: { accept: 'text/html' } })
  const html = page.statusCode === 302 ? await app.inject(String(page.headers.location)) : page
  t.equal(html.statusCode, 200)
  t.match(html.headers['content-type'], /^text\/html/)
  const assets = [...html.body.matchAll(/(?:src|href)="(\.?\/?[^":]+\.(?:js|css))"/g)].map(
    ([, path]) => new URL(String(path), 'http://x/docs/').pathname
  )
  t.ok(assets.length >= 3, assets.join())
  for (const asset of assets) t.equal((await app.inject(asset)).statusCode, 200, asset)
  t.notMatch(html.body, /<script(?![^>]*src=)/, 'no inline script, which the policy would block')
})
