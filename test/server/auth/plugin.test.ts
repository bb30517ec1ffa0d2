import { createHmac, createPublicKey, createSign, type JsonWebKey } from 'node:crypto'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { REFUSAL_REASONS, refusedToken, type RefusalReason } from '../../../src/server/auth/refusals.ts'
import { build, startServices } from '../../helpers/app.ts'
import { AUDIENCE, createKey, signToken } from '../../helpers/issuer.ts'
import { isProblem } from '../../helpers/problem.ts'

const services = await startServices(t)
const { issuer } = services
const { app } = await build(t, { services, env: { AUTH0_TIMEOUT_MS: '400' } })

const now = () => Math.floor(Date.now() / 1000)
const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const claimsOfClara = () => part({ iss: issuer.issuer, aud: AUDIENCE, exp: now() + 60, sub: 'auth0|clara' })
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

async function isRefused(t: Test, answer: ReturnType<typeof request>, reason: RefusalReason, about: string) {
  const response = await answer
  t.equal(response.statusCode, 401, about)
  const { detail } = isProblem(t, response, 'invalid_token')
  t.equal(detail, refusedToken(reason).message, about)
  t.equal(
    response.headers['www-authenticate'],
    `Bearer error="invalid_token", error_description="${detail}"`,
    about
  )
}

function signed(algorithm: string, fields: Record<string, unknown>) {
  const key = issuer.state.keys[0]
  const text = `${part({ typ: 'JWT', kid: key?.kid, ...fields })}.${claimsOfClara()}`
  return `${text}.${createSign(algorithm)
    .update(text)
    .sign(key?.privateKey ?? '', 'base64url')}`
}

/** JSON.parse reads the number 1e999 as infinite. */
function infinite(claim: string) {
  const key = issuer.state.keys[0]
  const claims = {
    iss: issuer.issuer,
    aud: AUDIENCE,
    exp: now() + 60,
    sub: 'auth0|clara',
    [claim]: 'INFINITE'
  }
  const json = JSON.stringify(claims).replace('"INFINITE"', '1e999')
  const text = `${part({ alg: 'RS256', kid: key?.kid })}.${Buffer.from(json).toString('base64url')}`
  return `${text}.${createSign('RSA-SHA256')
    .update(text)
    .sign(key?.privateKey ?? '', 'base64url')}`
}

function signedWithPublicKey(alg: string) {
  const [key] = issuer.state.keys
  const pem = createPublicKey({ key: (key?.jwk ?? {}) as JsonWebKey, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem'
  })
  const text = `${part({ alg, typ: 'JWT', kid: key?.kid })}.${claimsOfClara()}`
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
  const forgeries: Array<[about: string, reason: RefusalReason, forged: string]> = [
    ['no algorithm', 'algorithm', `${part({ alg: 'none', kid: issuer.state.keys[0]?.kid })}.${body}.`],
    [
      'no algorithm, in mixed case',
      'algorithm',
      `${part({ alg: 'nOnE', kid: issuer.state.keys[0]?.kid })}.${body}.${signature}`
    ],
    ['HS256 with the public key', 'algorithm', signedWithPublicKey('HS256')],
    ['HS512 with the public key', 'algorithm', signedWithPublicKey('HS512')],
    ['RS512 with the right key', 'algorithm', signed('RSA-SHA512', { alg: 'RS512' })],
    ['RS384 with the right key', 'algorithm', signed('RSA-SHA384', { alg: 'RS384' })],
    ['no alg', 'algorithm', signed('RSA-SHA256', {})],
    ['no kid', 'unknown_key', header({ kid: undefined })],
    ['an empty kid', 'unknown_key', header({ kid: '' })],
    ['a kid that is a number', 'unknown_key', header({ kid: 7 })],
    ['a kid that is a list', 'unknown_key', header({ kid: [issuer.state.keys[0]?.kid] })],
    ['a kid that is null', 'unknown_key', header({ kid: null })],
    ['an unknown kid', 'unknown_key', header({ kid: 'unknown' })],
    ['a kid like a path', 'unknown_key', header({ kid: '../../etc/passwd' })],
    [
      'the kid of another key',
      'signature',
      signToken(issuer.issuer, { ...stranger, kid: issuer.state.keys[0]?.kid ?? '' }, {})
    ],
    ['a key of its own', 'unknown_key', token({ key: stranger, header: { jwk: stranger.jwk } })],
    ['another issuer', 'issuer', payload({ iss: 'https://evil.example/' })],
    ['the issuer without its slash', 'issuer', payload({ iss: issuer.issuer.slice(0, -1) })],
    ['no issuer', 'issuer', payload({ iss: undefined })],
    ['a list of issuers', 'issuer', payload({ iss: ['https://evil.example/', issuer.issuer] })],
    ['another audience', 'audience', payload({ aud: 'https://other.example/' })],
    ['other audiences', 'audience', payload({ aud: ['https://other.example/', `${AUDIENCE}/more`] })],
    ['an empty list of audiences', 'audience', payload({ aud: [] })],
    ['no audience', 'audience', payload({ aud: undefined })],
    ['no expiry', 'no_expiry', payload({ exp: undefined })],
    ['expiry null', 'no_expiry', payload({ exp: null })],
    ['an expiry of text', 'no_expiry', payload({ exp: '9999999999' })],
    ['an infinite expiry', 'no_expiry', infinite('exp')],
    ['an infinite start', 'not_yet_valid', infinite('nbf')],
    ['expired', 'expired', payload({ exp: now() - 12 })],
    ['valid from later on', 'not_yet_valid', payload({ nbf: now() + 15 })],
    ['valid from a text', 'not_yet_valid', payload({ nbf: 'tomorrow' })],
    ['no sub', 'subject', payload({ sub: undefined })],
    ['an empty sub', 'subject', issuer.token('')],
    ['a sub that is a number', 'subject', payload({ sub: 7 })],
    ['a sub that is null', 'subject', payload({ sub: null })],
    ['a sub of 256 characters', 'subject', issuer.token('x'.repeat(256))],
    ['a sub with a line feed', 'subject', issuer.token('auth0|a\nb')],
    ['a sub with NUL', 'subject', issuer.token('auth0|\u0000')],
    ['a sub with a C1 control', 'subject', issuer.token('auth0|\u0085')],
    ['a sub with half a character', 'subject', issuer.token('auth0|\ud800')],
    [
      'a changed payload',
      'signature',
      `${head}.${part({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), sub: 'auth0|other' })}.${signature}`
    ],
    ['a changed signature', 'signature', `${head}.${body}.${signature.slice(0, -4)}AAAA`],
    ['no signature', 'signature', `${head}.${body}.`],
    ['two parts', 'malformed', `${head}.${body}`],
    ['four parts', 'malformed', `${good}.${signature}`],
    ['a payload that is no object', 'malformed', `${head}.${part('"text"')}.${signature}`],
    ['a header that is no JSON', 'malformed', `${part('{')}.${body}.${signature}`],
    ['no JWT', 'opaque', 'x']
  ]
  for (const [about, reason, forged] of forgeries) await isRefused(t, bearer(forged), reason, about)
})

t.test('what Auth0 issues without an audience is refused as opaque or encrypted', async (t) => {
  const opaque = 'mF_9.B5f-4.1JqM'.replaceAll('.', '').repeat(3)
  const encrypted = `${part({ alg: 'dir', enc: 'A256GCM', iss: issuer.issuer })}..${part('iv')}.${part('text')}.${part('tag')}`
  await isRefused(t, bearer(opaque), 'opaque', 'opaque')
  await isRefused(t, bearer(encrypted), 'encrypted', 'encrypted')
  for (const forged of [opaque, encrypted]) {
    const response = await bearer(forged)
    t.match(response.json(), { detail: /not a JWT.*audience.*Default Audience/ })
    t.notMatch(JSON.stringify([response.headers, response.body]), forged.slice(0, 20), 'without the token')
  }
})

t.test('a token that is refused for its claims does not make the server read keys', async (t) => {
  const before = issuer.state.reads
  for (let index = 0; index < 5; index++) {
    const stranger = createKey()
    const options = { key: stranger, payload: { iss: 'https://evil.example/' } }
    await isRefused(t, bearer(token(options)), 'issuer', 'unknown key and issuer')
  }
  t.equal(issuer.state.reads, before)
})

t.test('the texts of refusals may stand in WWW-Authenticate', async (t) => {
  for (const reason of REFUSAL_REASONS) t.match(refusedToken(reason).message, /^[ !#-[\]-~]+$/, reason)
})

t.test('malformed Authorization headers are refused', async (t) => {
  for (const odd of [
    ' ',
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
    const response = await request(odd)
    t.equal(response.statusCode, 401, odd.slice(0, 12))
    t.match(response.headers['www-authenticate'], /^Bearer error="invalid_token", error_description="[^"]+"$/)
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
