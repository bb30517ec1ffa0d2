import { createHmac, createPublicKey, createSign, type JsonWebKey } from 'node:crypto'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { build, startServices } from '../../helpers/app.ts'
import { AUDIENCE, createKey, signToken } from '../../helpers/issuer.ts'
import { isProblem } from '../../helpers/problem.ts'

const services = await startServices(t)
const { issuer } = services
const { app } = await build(t, { services, env: { AUTH0_TIMEOUT_MS: '400' } })

const now = () => Math.floor(Date.now() / 1000)
const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const request = (authorization?: string, more: Record<string, string> = {}) =>
  app.inject({
    url: '/api/sessions',
    headers: { ...(authorization !== undefined && { authorization }), ...more }
  })
const bearer = (token: string) => request(`Bearer ${token}`)
type Forgery = Parameters<typeof issuer.token>[1]
const token = (forgery?: Forgery) => issuer.token('auth0|clara', forgery)
const payload = (claims: Record<string, unknown>) => token({ payload: claims })
const header = (fields: Record<string, unknown>) => token({ header: fields })

async function isRefused(t: Test, answer: ReturnType<typeof request>, about: string) {
  const response = await answer
  t.equal(response.statusCode, 401, about)
  isProblem(t, response, 'invalid_token')
  t.equal(response.headers['www-authenticate'], 'Bearer error="invalid_token"')
}

function signed(algorithm: string, fields: Record<string, unknown>) {
  const key = issuer.state.keys[0]
  const text = `${part({ typ: 'JWT', kid: key?.kid, ...fields })}.${part({ iss: issuer.issuer, aud: AUDIENCE, exp: now() + 60, sub: 'auth0|clara' })}`
  return `${text}.${createSign(algorithm)
    .update(text)
    .sign(key?.privateKey ?? '', 'base64url')}`
}

function signedWithPublicKey(alg: string) {
  const [key] = issuer.state.keys
  const pem = createPublicKey({ key: (key?.jwk ?? {}) as JsonWebKey, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem'
  })
  const text = `${part({ alg, typ: 'JWT', kid: key?.kid })}.${part({ iss: issuer.issuer, aud: AUDIENCE, exp: now() + 60, sub: 'auth0|clara' })}`
  return `${text}.${createHmac(`sha${alg.slice(2)}`, pem)
    .update(text)
    .digest('base64url')}`
}

t.test('a valid token is accepted', async (t) => {
  t.equal((await bearer(token())).statusCode, 200)
  // Signed right before use: the first request of a process is slow, and these tokens live for seconds.
  const good: Array<[string, () => string]> = [
    ['audience among others', () => payload({ aud: ['https://other.example/', AUDIENCE] })],
    ['expired within the tolerance', () => payload({ exp: now() - 7 })],
    ['valid from within the tolerance', () => payload({ nbf: now() + 9 })],
    ['no iat', () => payload({ iat: undefined })],
    ['access token type of RFC 9068', () => header({ typ: 'at+jwt' })],
    ['the longest sub', () => issuer.token('x'.repeat(255))],
    ['a sub of other scripts', () => issuer.token('oauth2|custom|Клара 🎹')]
  ]
  for (const [about, sign] of good) t.equal((await bearer(sign())).statusCode, 200, about)
  t.equal((await request(`bearer ${token()}`)).statusCode, 200, 'the scheme is case-insensitive')
})

t.test('without a token the answer says that one is required', async (t) => {
  for (const answer of [
    request(),
    app.inject(`/api/sessions?access_token=${token()}`),
    request(undefined, {
      'x-access-token': token(),
      'x-authorization': `Bearer ${token()}`,
      cookie: `token=${token()}`
    })
  ]) {
    const response = await answer
    isProblem(t, response, 'missing_token')
    t.equal(response.headers['www-authenticate'], 'Bearer')
  }
})

t.test('a token that violates a rule is refused', async (t) => {
  const good = token()
  const [head = '', body = '', signature = ''] = good.split('.')
  const stranger = createKey()
  const forgeries: Array<[string, string]> = [
    ['no algorithm', `${part({ alg: 'none', kid: issuer.state.keys[0]?.kid })}.${body}.`],
    [
      'no algorithm, in mixed case',
      `${part({ alg: 'nOnE', kid: issuer.state.keys[0]?.kid })}.${body}.${signature}`
    ],
    ['HS256 with the public key', signedWithPublicKey('HS256')],
    ['HS512 with the public key', signedWithPublicKey('HS512')],
    ['RS512 with the right key', signed('RSA-SHA512', { alg: 'RS512' })],
    ['RS384 with the right key', signed('RSA-SHA384', { alg: 'RS384' })],
    ['no alg', signed('RSA-SHA256', {})],
    ['no kid', header({ kid: undefined })],
    ['an empty kid', header({ kid: '' })],
    ['a kid that is a number', header({ kid: 7 })],
    ['a kid that is a list', header({ kid: [issuer.state.keys[0]?.kid] })],
    ['a kid that is null', header({ kid: null })],
    ['an unknown kid', header({ kid: 'unknown' })],
    ['a kid like a path', header({ kid: '../../etc/passwd' })],
    [
      'the kid of another key',
      signToken(issuer.issuer, { ...stranger, kid: issuer.state.keys[0]?.kid ?? '' }, {})
    ],
    ['a key of its own', token({ key: stranger, header: { jwk: stranger.jwk } })],
    ['another issuer', payload({ iss: 'https://evil.example/' })],
    ['the issuer without its slash', payload({ iss: issuer.issuer.slice(0, -1) })],
    ['no issuer', payload({ iss: undefined })],
    ['a list of issuers', payload({ iss: ['https://evil.example/', issuer.issuer] })],
    ['another audience', payload({ aud: 'https://other.example/' })],
    ['other audiences', payload({ aud: ['https://other.example/', `${AUDIENCE}/more`] })],
    ['an empty list of audiences', payload({ aud: [] })],
    ['no audience', payload({ aud: undefined })],
    ['no expiry', payload({ exp: undefined })],
    ['expiry null', payload({ exp: null })],
    ['an expiry of text', payload({ exp: '9999999999' })],
    ['expired', payload({ exp: now() - 12 })],
    ['valid from later on', payload({ nbf: now() + 15 })],
    ['valid from a text', payload({ nbf: 'tomorrow' })],
    ['no sub', payload({ sub: undefined })],
    ['an empty sub', issuer.token('')],
    ['a sub that is a number', payload({ sub: 7 })],
    ['a sub that is null', payload({ sub: null })],
    ['a sub of 256 characters', issuer.token('x'.repeat(256))],
    ['a sub with a line feed', issuer.token('auth0|a\nb')],
    ['a sub with NUL', issuer.token('auth0|\u0000')],
    ['a sub with a C1 control', issuer.token('auth0|\u0085')],
    ['a sub with half a character', issuer.token('auth0|\ud800')],
    [
      'a changed payload',
      `${head}.${part({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), sub: 'auth0|other' })}.${signature}`
    ],
    ['a changed signature', `${head}.${body}.${signature.slice(0, -4)}AAAA`],
    ['no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['four parts', `${good}.${signature}`],
    ['a payload that is no object', `${head}.${part('"text"')}.${signature}`],
    ['a header that is no JSON', `${part('{')}.${body}.${signature}`],
    ['no JWT', 'x']
  ]
  for (const [about, forged] of forgeries) await isRefused(t, bearer(forged), about)
})

t.test('malformed Authorization headers are refused', async (t) => {
  for (const odd of [
    token(),
    'Bearer',
    'Bearer ',
    `Basic ${token()}`,
    `Token ${token()}`,
    `Bearer ${token()} ${token()}`,
    `Bearer ${token()}, Bearer ${token()}`,
    `Bearer "${token()}"`,
    `Bearer ${token()}é`
  ]) {
    t.equal((await request(odd)).statusCode, 401, odd.slice(0, 12))
  }
})

t.test('every route under /api requires a token, the health routes do not', async (t) => {
  for (const [method, url] of [
    ['POST', '/api/users/sync'],
    ['GET', '/api/sessions'],
    ['POST', '/api/sessions'],
    ['GET', '/api/sessions/x'],
    ['DELETE', '/api/sessions/x'],
    ['GET', '/api/stats']
  ] as const) {
    isProblem(t, await app.inject({ method, url }), 'missing_token')
  }
  t.equal((await app.inject('/healthz')).statusCode, 200)
})

t.test('authentication happens before the body is read', async (t) => {
  const { app } = await build(t, { services })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  for (const [authorization, length] of [
    ['', 60_000_000],
    ['Authorization: Bearer x\r\n', 60_000_000],
    ['', 90_000_000_000]
  ] as const) {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.write(
      `POST /api/sessions HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    t.match(answer.toString(), /^HTTP\/1\.1 401 /)
  }
})

t.test(
  'a thousand concurrent forged tokens cause a few reads of the keys, and valid tokens stay accepted',
  async (t) => {
    const { app } = await build(t, { services })
    const ask = (bearer: string) =>
      app.inject({ url: '/api/stats', headers: { authorization: `Bearer ${bearer}` } })
    t.equal((await ask(token())).statusCode, 200)
    const before = issuer.state.reads
    const forged = Array.from({ length: 1000 }, (_, index) => header({ kid: `forged-${index}` }))
    const answers = await Promise.all(forged.map(ask))
    // 503 when a busy machine cannot read the keys in time: the server cannot know that the key is invented.
    t.strictSame(
      answers.filter(({ statusCode }) => statusCode !== 401 && statusCode !== 503),
      []
    )
    t.ok(issuer.state.reads - before <= 2)
    t.equal((await ask(token())).statusCode, 200)
  }
)

t.test(
  'an issuer that does not answer causes a 503 within the time limit and never a 401, and is used again later',
  async (t) => {
    const clock = { now: Date.now() }
    const { app } = await build(t, {
      services,
      env: { AUTH0_TIMEOUT_MS: '400' },
      now: () => new Date(clock.now)
    })
    const ask = () => app.inject({ url: '/api/sessions', headers: { authorization: `Bearer ${token()}` } })
    for (const mode of ['hang', 'error', 'garbage'] as const) {
      issuer.state.mode = mode
      clock.now += 60_000
      const startedAt = performance.now()
      for (const response of await Promise.all([ask(), ask(), ask()])) {
        isProblem(t, response, 'issuer_unavailable')
        t.match(response.headers['retry-after'], /^\d+$/)
        t.notOk(response.headers['www-authenticate'])
        t.notMatch(response.body, /127\.0\.0\.1/)
      }
      t.ok(performance.now() - startedAt < 1500, mode)
    }
    t.match((await app.inject('/readyz')).json().checks, { database: 'ok' })
    issuer.state.mode = 'ok'
    clock.now += 20_000
    t.equal((await ask()).statusCode, 200)
  }
)
