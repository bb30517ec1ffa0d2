import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { problems, type Problem, type ProblemCode } from '../../src/contract/problem.ts'
import { build, startServices } from '../helpers/app.ts'
import { runsOf } from '../helpers/property-runs.ts'
import { isProblem } from '../helpers/problem.ts'

const services = await startServices(t)
const { app, issuer, as } = await build(t, { services })
const clara = as('auth0|clara')
await clara.sync()
const authorization = `Bearer ${issuer.token(clara.sub)}`

const SYNC = { auth0_id: clara.sub, email: 'clara@example.com', name: 'Clara' }
const SESSION = { songName: 'Ode to Joy', instrument: 'Piano', duration: 60 }

const long = 'x'.repeat(50_000)

/** One value of each JSON type, and values that are known to break parsers and databases. */
const VALUES: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  42,
  1e21,
  -1e308,
  5e-324,
  Number.MAX_SAFE_INTEGER,
  2 ** 31,
  '',
  ' ',
  'x',
  '42',
  'true',
  'null',
  '\0',
  'a\0b',
  '\ud83d',
  '😀',
  '\u202e\u0007',
  long,
  "'; DROP TABLE users; --",
  '../../etc/passwd',
  '<script>',
  '%s%n',
  [],
  [''],
  [null],
  [[[]]],
  {},
  { x: 1 },
  { length: 1 },
  { toString: 'x' }
]

const isText = (value: unknown, max = Infinity) =>
  typeof value === 'string' && value.length <= max && !/[\0\p{Cs}]/u.test(value)
const isName = (value: unknown) => isText(value, 300) && String(value).trim() !== ''
const isSeconds = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 86_400
const isNone = (value: unknown) => value === null || value === ''
const isPlainObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

type Field = {
  legal: (value: unknown) => boolean
  refusal?: ProblemCode
  put?: (value: unknown) => Record<string, unknown>
}

const orNull = (legal: (value: unknown) => boolean) => (value: unknown) => value === null || legal(value)
const inAnalysis = (name: string) => (value: unknown) => ({ analysis: { [name]: value } })
const feedback: Field['legal'] = orNull((value) => isText(value, 1_000_000))

const FIELDS: Record<string, { body: Record<string, unknown>; fields: Record<string, Field> }> = {
  '/api/users/sync': {
    body: SYNC,
    fields: {
      auth0_id: { legal: () => false },
      email: { legal: () => true },
      name: { legal: () => true },
      picture: { legal: () => true },
      timeZone: { legal: () => true },
      time_zone: { legal: () => true }
    }
  },
  '/api/sessions': {
    body: SESSION,
    fields: {
      id: { legal: (value) => value === null },
      songName: { legal: isName },
      instrument: { legal: isName },
      duration: { legal: isSeconds },
      durationSeconds: {
        legal: isSeconds,
        put: (value) => ({ duration: undefined, durationSeconds: value })
      },
      date: { legal: (value) => value === null },
      xmlContent: { legal: orNull((value) => isText(value)) },
      analysis: { legal: (value) => feedback(value) || isPlainObject(value) },
      'analysis.summary': { legal: feedback, put: inAnalysis('summary') },
      'analysis.feedback': { legal: feedback, put: inAnalysis('feedback') },
      'analysis.scoreAccuracy': {
        legal: (value) => value === null || value === 0 || value === 42,
        put: inAnalysis('scoreAccuracy')
      },
      audioBase64: { legal: isNone }
    }
  }
}

/** Checks that an answer is a success, or a 4xx of the catalogue that says what to change. */
function isAnswered(t: Test, response: LightMyRequestResponse, what: string): Problem | undefined {
  if (response.statusCode < 300) return undefined
  const { code, detail, status } = response.json<Problem>()
  const known = Object.hasOwn(problems, code) && problems[code as ProblemCode][0] === response.statusCode
  const isProblem =
    String(response.headers['content-type']).startsWith('application/problem+json') &&
    status === response.statusCode &&
    detail.length > 10
  if (response.statusCode >= 500 || !known || !isProblem) {
    t.fail(`${what}: ${response.statusCode} ${response.body.slice(0, 300)}`)
  }
  return response.json<Problem>()
}

const show = (value: unknown) => (JSON.stringify(value) ?? 'undefined').slice(0, 40)

for (const [url, { body, fields }] of Object.entries(FIELDS)) {
  for (const [name, { legal, put }] of Object.entries(fields)) {
    t.test(
      `POST ${url}, ${name}: valid values succeed, and all others get a 4xx that names the field`,
      async (t) => {
        for (const value of VALUES) {
          const response = await clara.call('POST', url, { ...body, ...(put?.(value) ?? { [name]: value }) })
          const problem = isAnswered(t, response, show(value))
          t.equal(
            problem === undefined,
            legal(value),
            `${show(value)}: ${response.statusCode} ${problem?.detail ?? ''}`
          )
          if (problem?.code === 'invalid_input') t.match(problem.errors, [{ path: /^\/\w+/, message: /\w/ }])
        }
      }
    )
  }

  t.test(`POST ${url}: a missing field is named in the answer`, async (t) => {
    for (const name of Object.keys(body).filter((name) => !['email', 'name'].includes(name))) {
      const { detail } = isProblem(
        t,
        await clara.call('POST', url, { ...body, [name]: undefined }),
        'invalid_input',
        `/${name}`
      )
      t.equal(detail, `${name} is missing`)
    }
  })

  t.test(`POST ${url}: a malformed body is refused`, async (t) => {
    const whole = JSON.stringify(body)
    const deep = '['.repeat(50_000) + ']'.repeat(50_000)
    const post = (
      payload: InjectOptions['payload'],
      headers: Record<string, string> = { 'content-type': 'application/json' }
    ) =>
      app.inject({
        method: 'POST',
        url,
        headers: { authorization, ...headers },
        ...(payload !== undefined && { payload })
      } as InjectOptions)

    const malformed = [
      'not json',
      whole.slice(0, -1),
      whole.slice(0, 20),
      `${whole}}`,
      "{'a':1}",
      '{"a":1,}',
      '{"a":NaN}',
      '{"a":"\n"}',
      '\ufeff\ufeff{}',
      ' ',
      '{"a":"\\ud"}',
      '\0',
      '',
      deep.slice(0, 50_000)
    ]
    for (const payload of malformed) isProblem(t, await post(payload), 'malformed_body')

    for (const payload of ['null', '5', '"text"', 'true', '[]', '[{}]', deep]) {
      isProblem(t, await post(payload), 'invalid_input')
    }
    isProblem(t, await post('{}'), 'invalid_input')
    isProblem(
      t,
      await post(`{"name":${deep},"songName":${deep},"analysis":{"summary":${deep}}}`),
      'invalid_input'
    )
    t.ok(
      (await post(`${whole.slice(0, -1)},"unknown":${deep}}`)).statusCode < 300,
      'what is unknown is ignored, however deep'
    )
    isProblem(t, await post(Buffer.from(whole, 'utf16le')), 'malformed_body')

    for (const type of [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'audio/webm',
      'application/jsonp',
      'nonsense',
      'application/json, text/plain'
    ]) {
      isProblem(t, await post(whole, { 'content-type': type }), 'unsupported_media_type')
    }
    isProblem(t, await post(Buffer.from(whole), {}), 'unsupported_media_type')
    isAnswered(t, await post(undefined, {}), 'no body')
    t.equal((await post(undefined, {})).statusCode, 400)
    for (const type of ['application/json; charset=utf-8', 'APPLICATION/JSON']) {
      t.ok((await post(whole, { 'content-type': type })).statusCode < 300, type)
    }

    isProblem(
      t,
      await post(whole, { 'content-type': 'application/json', 'content-length': '900000000' }),
      'body_too_large'
    )
  })
}

t.test('all faults of a body are named at once', async (t) => {
  const { errors = [], detail } = isProblem(
    t,
    await clara.call('POST', '/api/sessions', {
      songName: ' ',
      duration: '60',
      id: 'x',
      date: '1850-01-01T00:00:00Z',
      xmlContent: 5,
      analysis: { summary: '\0', scoreAccuracy: 101, markedXml: 'é'.repeat(6_000_000) },
      audioBase64: 'not base64'
    }),
    'invalid_input'
  )
  const paths = ['/instrument', '/id', '/songName', '/duration', '/date', '/xmlContent']
  t.strictSame(
    errors.map(({ path }) => path).sort(),
    [...paths, '/analysis/summary', '/analysis/scoreAccuracy', '/analysis/markedXml', '/audioBase64'].sort()
  )
  t.match(detail, /songName must .*; duration must be number; .*scoreAccuracy must be <= 100/)
})

t.test('a member that is a known one but for case or underscores is refused by name', async (t) => {
  for (const [url, base, extra, path, name] of [
    ['/api/sessions', SESSION, { audiobase64: 'AAAA' }, '/audiobase64', 'audioBase64'],
    ['/api/sessions', SESSION, { audio_base64: null }, '/audio_base64', 'audioBase64'],
    ['/api/sessions', SESSION, { song_name: 'x' }, '/song_name', 'songName'],
    ['/api/sessions', SESSION, { duration_seconds: 5 }, '/duration_seconds', 'durationSeconds'],
    ['/api/sessions', SESSION, { Notes: '' }, '/Notes', 'notes'],
    [
      '/api/sessions',
      SESSION,
      { analysis: { score_accuracy: 5 } },
      '/analysis/score_accuracy',
      'scoreAccuracy'
    ],
    ['/api/users/sync', SYNC, { timezone: 'UTC' }, '/timezone', 'timeZone'],
    ['/api/users/sync', SYNC, { Email: 'x' }, '/Email', 'email']
  ] as const) {
    const { detail } = isProblem(
      t,
      await clara.call('POST', url, { ...base, ...extra }),
      'invalid_input',
      path
    )
    t.equal(detail, `${path.slice(1)} must be written ${name}`)
  }
  const large = { ...SESSION, notes: 'x'.repeat(5000), xmlContent: 'x'.repeat(100_000), audioBASE64: 'AAAA' }
  isProblem(t, await clara.save(large), 'invalid_input', '/audioBASE64')
})

t.test('names that answers use, and unknown ones, are no near-misses', async (t) => {
  const used = { audioUrl: 'x', audio_url: 'x', durationSeconds: 60, unknown_member: 1 }
  t.equal((await clara.save(used)).statusCode, 201)
  t.equal((await clara.sync({ time_zone: 'UTC', nickname: 'x', email_verified: true })).statusCode, 200)
  const many = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [`song${'_'.repeat(index + 1)}name`, 0])
  )
  const { errors } = isProblem(t, await clara.save(many), 'invalid_input')
  t.equal(errors?.length, 20, 'at most twenty faults are named')
})

t.test('the position of a syntax error is told, in bytes of the body as sent', async (t) => {
  const post = (url: string, payload: string) =>
    app.inject({
      method: 'POST',
      url,
      headers: { authorization, 'content-type': 'application/json' },
      payload
    })
  for (const url of ['/api/users/sync', '/api/sessions']) {
    for (const [payload, position] of [
      ['{"songName":"Für Elise",}', 25],
      ['\ufeff{x}', 4],
      ['not json', 0]
    ] as const) {
      const { detail } = isProblem(t, await post(url, payload), 'malformed_body')
      t.match(detail, `malformed at position ${position},`, payload)
    }
    const { detail } = isProblem(t, await post(url, '{"a":1'), 'malformed_body')
    t.match(detail, 'ends early, at position 6')
  }
  const recording = 'A'.repeat(100_000)
  for (const audioBase64 of ['', recording]) {
    const payload = `{"audioBase64":"${audioBase64}","songName":}`
    const { detail } = isProblem(t, await post('/api/sessions', payload), 'malformed_body')
    t.match(detail, `malformed at position ${payload.length - 1},`, 'also behind a recording')
    // In a long text it is not searched, which would stop the server for a second.
    for (const start of ['{', '{"a":"']) {
      const long = start + (start === '{' ? ' ' : '\\n').repeat(300_000)
      const answer = isProblem(t, await post('/api/sessions', long), 'malformed_body')
      t.notMatch(answer.detail, 'position')
    }
  }
})

t.test('a doubled parameter is named', async (t) => {
  for (const [url, path] of [
    ['/api/sessions?limit=2&limit=3', 'limit'],
    ['/api/stats?tz=UTC&tz=UTC', 'tz']
  ] as const) {
    const { detail } = isProblem(t, await clara.call('GET', url), 'invalid_input', path)
    t.equal(detail, `${path} must be given once`)
  }
})

t.test('a body that is not UTF-8 is refused instead of stored with replacement characters', async (t) => {
  const payload = Buffer.from(JSON.stringify({ ...SESSION, songName: 'Für Elise' }), 'latin1')
  isProblem(
    t,
    await app.inject({
      method: 'POST',
      url: '/api/sessions',
      headers: { authorization, 'content-type': 'application/json' },
      payload
    }),
    'malformed_body'
  )
})

t.test('a body over the limit is refused on every route', async (t) => {
  isProblem(t, await clara.sync({ unknown: 'x'.repeat(1024 * 1024) }), 'body_too_large')
  const { as } = await build(t, { services, env: { MAX_RECORDING_BYTES: '1024' } })
  isProblem(t, await as(clara.sub).save({ unknown: 'x'.repeat(45 * 1024 * 1024) }), 'body_too_large')
})

t.test('invalid parameters are refused', async (t) => {
  const values = [
    '',
    'x',
    '0',
    '-1',
    '1.5',
    '%00',
    '%F0%9F%98%80',
    '%ED%A0%80',
    '%',
    '%zz',
    '%2F',
    '..',
    "'%20OR%201=1",
    'x'.repeat(300),
    'x'.repeat(9000),
    'null',
    '[]',
    '{}'
  ]
  const urls = [
    '/api/sessions?limit=',
    '/api/sessions?cursor=',
    '/api/sessions?limit=5&cursor=',
    '/api/stats?tz='
  ]
  for (const url of urls) {
    for (const value of values) {
      const problem = isAnswered(t, await clara.call('GET', url + value), url + show(value))
      t.equal(problem?.code, 'invalid_input', `${url}${show(value)}`)
    }
    for (const suffix of ['x&limit=2&limit=3&cursor=a&cursor=b&tz=UTC&tz=UTC', '[]=5', '&&&=&']) {
      isAnswered(t, await clara.call('GET', url + suffix), url + suffix)
    }
  }
  const ids = [
    'x',
    '0',
    '-1',
    '%00',
    '%F0%9F%98%80',
    '%2F',
    "'%20OR%201=1",
    'x'.repeat(200),
    'null',
    '[]',
    '{}',
    '0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a1g'
  ]
  for (const id of ids) {
    isProblem(t, await clara.get(id), 'invalid_input', 'id')
    isProblem(t, await clara.remove(id), 'invalid_input', 'id')
  }
  isAnswered(t, await clara.call('GET', '/api/sessions?unknown=1&limit=5'), 'unknown parameters are ignored')
})

t.test('a malformed path is answered with a problem', async (t) => {
  for (const path of ['%', '%zz', '%ED%A0%80', 'x'.repeat(201), 'x'.repeat(9000), '../../x', 'x/y', 'x?%']) {
    for (const method of ['GET', 'DELETE'] as const) {
      const response = await clara.call(method, `/api/sessions/${path}`)
      const problem = isAnswered(t, response, `${method} ${show(path)}`)
      t.ok(problem, `${method} ${show(path)}`)
      t.notOk(response.body.includes(path), 'the path is not echoed')
    }
  }
})

t.test('a path that is not percent-encoded UTF-8 is one like any other', async (t) => {
  for (const path of ['%', '%zz', '%ff', 'a%2', '%ED%A0%80']) {
    isProblem(t, await app.inject(`/api/sessions/${path}`), 'missing_token')
    isProblem(t, await clara.get(path), 'invalid_input', 'id')
    const unknown = await app.inject(`/${path}?a=1`)
    isProblem(t, unknown, 'route_not_found')
    t.match(unknown.headers, { 'x-request-id': /./, 'x-content-type-options': 'nosniff' })
  }
})

t.test('a long path needs a token first', async (t) => {
  isProblem(t, await app.inject(`/api/sessions/${'x'.repeat(201)}`), 'missing_token')
  isProblem(t, await clara.get('x'.repeat(201)), 'invalid_input', 'id')
})

t.test('a body is ignored, or refused, where none is expected', async (t) => {
  const id = '0d2c8f0e-9b1f-4c53-8a40-6f6f1f0f7a10'
  isProblem(
    t,
    await app.inject({
      method: 'DELETE',
      url: `/api/sessions/${id}`,
      headers: { authorization, 'content-type': 'application/json' },
      payload: '{"a":1}'
    }),
    'session_not_found'
  )
  isProblem(
    t,
    await app.inject({
      method: 'DELETE',
      url: `/api/sessions/${id}`,
      headers: { authorization, 'content-type': 'application/json' }
    }),
    'session_not_found'
  )
  isAnswered(
    t,
    await app.inject({
      method: 'DELETE',
      url: `/api/sessions/${id}`,
      headers: { authorization, 'content-type': 'application/json' },
      payload: '{'
    }),
    'an incomplete body'
  )
})

t.test('for any body the answer is a success or says what to change', async (t) => {
  const anything = fc.oneof(
    fc.constantFrom(...VALUES.filter((value) => value !== long)),
    fc.jsonValue({ maxDepth: 3 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.double(),
    fc.uuid(),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.base64String()
  )
  const bodies = (names: string[]) =>
    fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.record(Object.fromEntries(names.map((name) => [name, anything])), { requiredKeys: [] })
    )
  for (const [url, { body, fields }] of Object.entries(FIELDS)) {
    const names = Object.keys(fields).filter((name) => !name.includes('.'))
    await fc.assert(
      fc.asyncProperty(bodies(names), fc.boolean(), async (random, amend) => {
        const isRecord = typeof random === 'object' && random !== null && !Array.isArray(random)
        const payload = JSON.stringify(amend && isRecord ? { ...body, ...random } : random)
        const response = await app.inject({
          method: 'POST',
          url,
          headers: { authorization, 'content-type': 'application/json' },
          payload
        })
        isAnswered(t, response, payload)
        return t.passing()
      }),
      { numRuns: runsOf(100) }
    )
  }
})
