import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readdir, readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { problems, type ProblemCode } from '../../../../src/contract/problem.ts'
import { ApiError } from '../../../../src/server/errors.ts'
import { exampleDetails } from '../../../../src/server/http/openapi/problem-examples.ts'
import { build } from '../../../helpers/app.ts'
import { isProblem } from '../../../helpers/problem.ts'
import {
  createAnswerCheck,
  createSchemas,
  pointer,
  type Media,
  type OpenApi,
  type Schema
} from '../../../helpers/openapi.ts'

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

const schemaAt = createSchemas(document)

function fits(t: Test, value: unknown, where: string) {
  const validate = schemaAt(where)
  t.ok(validate(value), `${where}: ${JSON.stringify(validate.errors)}`)
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
  const names = Object.keys(document.components['schemas'] ?? {})
  for (const name of names) t.doesNotThrow(() => schemaAt(pointer('components', 'schemas', name)), name)
  for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
    t.doesNotThrow(() => schemaAt(`openapi${reference}`), String(reference))
  }
})

t.test('bodies and answers are named components', async (t) => {
  const isNamed = ({ $ref, items }: Schema): boolean =>
    typeof $ref === 'string' || (items !== undefined && isNamed(items as Schema))
  for (const { name, operation } of operations) {
    const contents = [operation.requestBody, ...Object.values(operation.responses)].map((one) => one?.content)
    for (const media of contents.flatMap((content) => Object.values(content ?? {}))) {
      t.ok(isNamed(media.schema ?? {}), `${name}: ${JSON.stringify(media.schema).slice(0, 100)}`)
    }
  }
  for (const name of [
    'SessionData',
    'NewSession',
    'SessionListItem',
    'Analysis',
    'User',
    'UserStats',
    'Problem'
  ]) {
    t.ok(document.components['schemas']?.[name], name)
  }
})

t.test('tags are declared in order, described, and used', async (t) => {
  const declared = document.tags.map(({ name }) => name)
  t.strictSame(declared, ['Users', 'Sessions', 'Recordings', 'Stats', 'Health', 'Existing frontend'])
  for (const { name, description } of document.tags) t.match(description, /\w+ \w+/, name)
  t.strictSame(
    [...new Set(operations.flatMap(({ operation }) => operation.tags ?? []))].sort(),
    declared.sort()
  )
})

t.test('limit is an integer, and the server is the one that answers', async (t) => {
  const limit = document.paths['/api/sessions']?.['get']?.parameters?.find(({ name }) => name === 'limit')
  t.match(limit, { schema: { type: 'integer', minimum: 1, maximum: 1000 } })
  t.strictSame(
    document.servers.map(({ url }) => url),
    ['/']
  )
})

t.test('the document describes exactly the existing routes', async (t) => {
  t.strictSame(
    operations
      .map(({ name }) => name)
      .filter((name) => !name.includes(' /v0/'))
      .sort(),
    [
      'DELETE /api/sessions/{id}',
      'DELETE /api/sessions/{id}/recording',
      'DELETE /api/users/me',
      'GET /api/sessions',
      'GET /api/sessions/{id}',
      'GET /api/stats',
      'GET /api/stats/days',
      'GET /api/users/me',
      'GET /api/users/me/export',
      'GET /healthz',
      'GET /readyz',
      'PATCH /api/sessions/{id}',
      'POST /api/sessions',
      'POST /api/sessions/{id}/recording',
      'POST /api/sessions/{id}/recording/complete',
      'POST /api/users/me/import',
      'POST /api/users/sync'
    ]
  )
  t.strictSame(
    operations
      .map(({ name }) => name)
      .filter((name) => name.includes(' /v0/'))
      .sort(),
    [
      'DELETE /v0/api/sessions/{id}',
      'GET /v0/api/sessions',
      'GET /v0/api/sessions/{id}',
      'GET /v0/api/stats',
      'POST /v0/api/sessions',
      'POST /v0/api/users/sync'
    ]
  )
  for (const { name, path, operation } of operations) {
    t.match(operation, { summary: /\w+ \w+/, description: /\w+ \w+/, tags: [/\w/] }, name)
    t.equal(operation.deprecated ?? false, path.startsWith('/v0/'), name)
  }
})

t.test('only the health routes need no token', async (t) => {
  for (const { name, path, operation } of operations) {
    if (path.includes('/api/')) {
      t.equal(operation.security, undefined, `${name} has the document's security`)
    } else t.strictSame(operation.security, [], name)
  }
  t.strictSame(document.security, [{ auth0: [] }])
})

t.test('every request and response has an example that matches its schema', async (t) => {
  for (const { name, path, method, operation } of operations) {
    const { requestBody, responses } = operation
    for (const [type, media] of Object.entries(requestBody?.content ?? {})) {
      if (!type.endsWith('json')) continue
      t.not(examplesOf(media).length, 0, `${name} request`)
      for (const example of examplesOf(media)) {
        fits(t, example, pointer('paths', path, method, 'requestBody', 'content', type, 'schema'))
      }
    }
    for (const [status, { content }] of Object.entries(responses)) {
      if (status === '204' || status === '304') continue
      t.ok(content, `${name} ${status} has content`)
      for (const [type, media] of Object.entries(content ?? {})) {
        if (!type.endsWith('json')) continue
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
  for (const { name, operation } of operations.filter(({ path }) => path.includes('/api/'))) {
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
    [...documented, 'route_not_found', 'method_not_allowed'].sort(),
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

t.test("the problems of the document have details that the server's code sends", async (t) => {
  const root = new URL('../../../../src/server/', import.meta.url)
  const files = (await readdir(root, { recursive: true })).filter(
    (file) => file.endsWith('.ts') && !/generated|problem-examples/.test(file)
  )
  const sources = await Promise.all(files.map((file) => readFile(new URL(file, root), 'utf8')))
  const code = sources.join('\n').replace(/'\s*\+\s*'/g, '')
  const { invalid_input: _, ...details } = exampleDetails // from the validation of a field
  for (const [name, detail] of Object.entries(details)) {
    const parts = detail.split(/\d+|[A-Z]{3,}(?:, [A-Z]{3,})*/) // numbers and methods are filled in
    for (const part of parts) t.ok(code.includes(part), `${name}: ${part}`)
  }
})

t.test('every answer of the tests is compared with the document', async (t) => {
  const check = createAnswerCheck(document)
  const json = { 'content-type': 'application/json; charset=utf-8' }
  const checkHealth = (statusCode: number, body: string, headers = json) =>
    check('GET', '/healthz', { statusCode, body, headers })
  t.equal(checkHealth(200, '{"status":"ok"}'), undefined)
  t.match(checkHealth(418, '{"status":"ok"}'), /418/)
  t.match(checkHealth(200, '{"status":5}'), /string/)
  t.match(checkHealth(200, '{"status":"ok","extra":1}'), /extra/)
  t.match(checkHealth(200, '{}', { 'content-type': 'text/html' }), /text\/html/)
  t.equal(check('GET', '/nowhere', { statusCode: 200, body: '', headers: {} }), undefined)
})

/** Calls an operation as the document prints it: with the examples of its parameters and its body. */
async function callAsPrinted({ path, method, operation }: (typeof operations)[number]) {
  const parameters = operation.parameters ?? []
  const valueOf = (name: string) => String(parameters.find((parameter) => parameter.name === name)?.example)
  const query = new URLSearchParams(
    parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => [name, valueOf(name)])
  )
  const url = `${path.replace(/\{(\w+)\}/g, (_, name) => valueOf(name))}?${query}`
  const [body] = examplesOf(operation.requestBody?.content['application/json'] ?? {})
  return as('auth0|clara').call(method.toUpperCase() as 'POST', url, body as object | undefined)
}

t.test("the document's examples succeed as they are printed", async (t) => {
  const find = (id: string) => operations.find(({ operation }) => operation.operationId === id)!
  t.equal((await callAsPrinted(find('syncUser'))).statusCode, 201)
  for (const each of operations) {
    if (each.operation.operationId === 'completeUpload') continue // its uploadId comes from beginUpload
    if (each.operation.operationId === 'importAccount') continue // an archive cannot be printed
    if (each.operation.operationId === 'deleteAccount') continue // the last one
    await callAsPrinted(find('saveSession')) // the session of the other examples
    const { statusCode, body } = await callAsPrinted(each)
    t.ok(statusCode < 300, `${each.name}: ${statusCode} ${body.slice(0, 200)}`)
  }
  t.equal((await callAsPrinted(find('deleteAccount'))).statusCode, 204)
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

t.test('a path with dots or escapes leads to no other route', async (t) => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  for (const path of [
    '/docs/../api/sessions',
    '/docs/x/../json',
    '/docs/./json',
    '/docs/%6ason',
    '/docs//json'
  ]) {
    // `fetch` and `inject` resolve dots before they send.
    const outgoing = request({ port, host: '127.0.0.1', path, agent: false }).end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    answer.resume()
    t.equal(answer.statusCode, 404, path)
  }
})

t.test('a path that the page does not have is 404, however it is written', async (t) => {
  for (const path of [
    'x',
    'static',
    'static/',
    'static/x',
    'static//',
    'static/%00',
    'static/%5c..%5c',
    'static/..%2f..%2fpackage.json',
    'static/%2fetc%2fpasswd',
    `static/${'a'.repeat(300)}`,
    'static/%F0%9F%98%80'
  ]) {
    isProblem(t, await app.inject(`/docs/${path}`), 'route_not_found')
  }
})

t.test('the type of every problem leads to a section of the page', async (t) => {
  const { body } = await app.inject('/docs/')
  for (const [code, [status, title]] of Object.entries(problems)) {
    const { type } = new ApiError(code as ProblemCode, 'x').toProblem()
    const [path, id] = type.split('#')
    t.equal(path, '/docs')
    t.match(
      body,
      new RegExp(`<section id="${id}">\\s*<h3>${status} <code>${code}</code></h3>\\s*<p>${title}`)
    )
  }
})
