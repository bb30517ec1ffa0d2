import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import buildGetJwks from 'get-jwks'
import t, { type Test } from 'tap'
import { startIssuer, type Issuer, type IssuerOptions } from '../../src/dev/oidc-issuer.ts'

const audience = 'https://api.test'
const appUrl = 'http://localhost:5173/callback'

type Json = Record<string, unknown>
type Tokens = Record<'access_token' | 'id_token' | 'refresh_token' | 'scope' | 'error', string> & {
  expires_in: number
}

// The issuers share a key: to create one takes a tenth of a second or more.
const keyFile = join(t.testdir(), 'key.json')

async function start(t: Test, options: Partial<IssuerOptions> = {}) {
  const issuer = await startIssuer({ audience, keyFile, ...options })
  t.teardown(issuer.close)
  return issuer
}

function decode(token: string): { header: Json; payload: Json } {
  const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
  return { header: JSON.parse(header ?? '') as Json, payload: JSON.parse(payload ?? '') as Json }
}

/** Returns the payload. Throws if no published key verifies the signature. */
async function verifyToken({ issuer }: Issuer, token: string): Promise<Json> {
  const { header, payload } = decode(token)
  const jwks = buildGetJwks({ issuersWhitelist: [issuer] })
  const pem = await jwks.getPublicKey({
    domain: issuer,
    alg: String(header['alg']),
    kid: String(header['kid'])
  })
  const [message, signature] = [
    token.slice(0, token.lastIndexOf('.')),
    token.slice(token.lastIndexOf('.') + 1)
  ]
  if (
    !verify('RSA-SHA256', Buffer.from(message), createPublicKey(pem), Buffer.from(signature, 'base64url'))
  ) {
    throw new Error('wrong signature')
  }
  return payload
}

async function getJson<T = Json>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init)
  return (await response.json()) as T
}

async function requestToken({ issuer }: Issuer, body: Record<string, string>): Promise<Tokens> {
  return await getJson<Tokens>(`${issuer}oauth/token`, { method: 'POST', body: new URLSearchParams(body) })
}

async function authorize({ issuer }: Issuer, query: Record<string, string>) {
  const all = { response_type: 'code', client_id: 'app', redirect_uri: appUrl, state: 'abc', ...query }
  return await fetch(`${issuer}authorize?${new URLSearchParams(all)}`, { redirect: 'manual' })
}

/** Logs in as a browser does, and returns the authorization code and its PKCE verifier. */
async function login(issuer: Issuer, query: Record<string, string> = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const response = await authorize(issuer, {
    scope: 'openid profile email offline_access',
    audience,
    nonce: 'n-1',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...query
  })
  const location = new URL(response.headers.get('location') ?? '')
  return { location, verifier, code: location.searchParams.get('code') ?? '' }
}

async function exchangeCode(issuer: Issuer, { code, verifier }: { code: string; verifier?: string }) {
  const body = { grant_type: 'authorization_code', client_id: 'app', redirect_uri: appUrl, code }
  return await requestToken(issuer, verifier === undefined ? body : { ...body, code_verifier: verifier })
}

t.test("discovery lists Auth0's paths, and the issuer ends with a slash", async (t) => {
  const { issuer } = await start(t)
  t.match(issuer, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  t.match(await getJson(`${issuer}.well-known/openid-configuration`), {
    issuer,
    jwks_uri: `${issuer}.well-known/jwks.json`,
    token_endpoint: `${issuer}oauth/token`,
    authorization_endpoint: `${issuer}authorize`,
    userinfo_endpoint: `${issuer}userinfo`
  })
})

t.test('the key set is public and contains no private key', async (t) => {
  const { issuer } = await start(t)
  const response = await fetch(`${issuer}.well-known/jwks.json`, {
    headers: { origin: 'http://localhost:5173' }
  })
  t.equal(response.headers.get('access-control-allow-origin'), '*')
  const { keys } = (await response.json()) as { keys: Json[] }
  t.equal(keys.length, 1)
  t.same(Object.keys(keys[0] ?? {}).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
})

t.test('token() issues a token that is valid for a day, or for expiresIn', async (t) => {
  const issuer = await start(t)
  const payload = await verifyToken(
    issuer,
    await issuer.token({ sub: 'auth0|ada', email: 'ada@example.com', role: 'pianist' })
  )
  t.match(payload, {
    iss: issuer.issuer,
    aud: audience,
    sub: 'auth0|ada',
    email: 'ada@example.com',
    role: 'pianist'
  })
  t.equal(Number(payload['exp']) - Number(payload['iat']), 86_400)
  t.notOk('expiresIn' in payload)

  const { payload: expired } = decode(await issuer.token({ sub: 'auth0|ada', expiresIn: -60 }))
  t.ok(Number(expired['exp']) * 1000 < Date.now())
})

t.test('the grants client_credentials and password return a token, for a form and for JSON', async (t) => {
  const issuer = await start(t)
  const machine = await requestToken(issuer, {
    grant_type: 'client_credentials',
    client_id: 'cli',
    audience: 'https://other.test'
  })
  t.match(await verifyToken(issuer, machine.access_token), { sub: 'cli@clients', aud: 'https://other.test' })

  const person = await getJson<Tokens>(`${issuer.issuer}oauth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'password',
      username: 'ada@example.com',
      password: 'x',
      client_id: 'cli'
    })
  })
  t.match(await verifyToken(issuer, person.access_token), { sub: 'auth0|ada@example.com', aud: audience })
  t.equal(person.expires_in, 86_400)
})

t.test('a login with PKCE returns tokens for the requested audience, scope, user and nonce', async (t) => {
  const issuer = await start(t)
  const { location, ...grant } = await login(issuer)
  t.equal(location.origin + location.pathname, appUrl)
  t.equal(location.searchParams.get('state'), 'abc')

  const tokens = await exchangeCode(issuer, grant)
  t.match(await verifyToken(issuer, tokens.access_token), {
    sub: 'auth0|demo',
    aud: [audience, `${issuer.issuer}userinfo`],
    azp: 'app',
    scope: 'openid profile email offline_access'
  })
  t.match(await verifyToken(issuer, tokens.id_token), {
    sub: 'auth0|demo',
    aud: 'app',
    nonce: 'n-1',
    name: 'Demo Musician',
    email: 'demo@example.com'
  })
  t.match(
    await getJson(`${issuer.issuer}userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` }
    }),
    {
      sub: 'auth0|demo',
      email: 'demo@example.com'
    }
  )
  t.equal((await exchangeCode(issuer, grant)).error, 'invalid_request', 'a code is valid once')
})

t.test('a code without its verifier and an unknown code are refused', async (t) => {
  const issuer = await start(t)
  const { code } = await login(issuer)
  t.equal((await exchangeCode(issuer, { code })).error, 'invalid_grant')
  t.equal((await exchangeCode(issuer, { code: 'made-up' })).error, 'invalid_grant')
})

t.test('login_hint selects the user, and a refresh token keeps user, audience and scope', async (t) => {
  const ada = { sub: 'google-oauth2|1815', email: 'ada@example.com', name: 'Ada' }
  const issuer = await start(t, { users: [{ sub: 'auth0|bob', email: 'bob@example.com', name: 'Bob' }, ada] })
  const { refresh_token: refreshToken } = await exchangeCode(
    issuer,
    await login(issuer, {
      login_hint: ada.email,
      audience: 'https://other.test',
      scope: 'openid offline_access'
    })
  )
  for (const round of ['first', 'second']) {
    const tokens = await requestToken(issuer, {
      grant_type: 'refresh_token',
      client_id: 'app',
      refresh_token: refreshToken
    })
    t.match(
      decode(tokens.access_token).payload,
      {
        sub: ada.sub,
        aud: ['https://other.test', `${issuer.issuer}userinfo`],
        scope: 'openid offline_access'
      },
      round
    )
    t.equal(decode(tokens.id_token).payload['name'], 'Ada')
    t.equal(tokens.refresh_token, refreshToken)
  }
  t.equal(
    (await requestToken(issuer, { grant_type: 'refresh_token', refresh_token: 'made-up' })).error,
    'invalid_grant'
  )
})

t.test('a login without the scope offline_access returns no refresh token', async (t) => {
  const issuer = await start(t)
  const tokens = await exchangeCode(issuer, await login(issuer, { scope: 'openid' }))
  t.notOk(tokens.refresh_token)
})

t.test('a silent login returns a page that posts the code to the origin of the app only', async (t) => {
  const issuer = await start(t)
  const response = await authorize(issuer, {
    response_mode: 'web_message',
    prompt: 'none',
    state: '</script>'
  })
  t.match(response.headers.get('content-type'), 'text/html')
  const page = await response.text()
  t.notMatch(page, '</script>"', 'the state cannot close the script')

  const posted: unknown[] = []
  const script = /<script>(.*)<\/script>/.exec(page)?.[1] ?? ''
  const parent = { postMessage: (...args: unknown[]) => posted.push(...args) }
  // eslint-disable-next-line no-new-func -- the page's own script, as the hidden frame runs it
  new Function('window', script)({ parent })
  t.match(posted, [
    { type: 'authorization_response', response: { code: /.{20}/, state: '</script>' } },
    new URL(appUrl).origin
  ])
})

t.test('logout redirects to returnTo', async (t) => {
  const { issuer } = await start(t)
  const response = await fetch(`${issuer}v2/logout?client_id=app&returnTo=${encodeURIComponent(appUrl)}`, {
    redirect: 'manual'
  })
  t.equal(response.status, 302)
  t.equal(response.headers.get('location'), appUrl)
  t.equal((await fetch(`${issuer}v2/logout`)).status, 200)
})

t.test('invalid requests get an error, and the issuer continues to work', async (t) => {
  const issuer = await start(t)
  t.equal((await fetch(`${issuer.issuer}authorize?response_mode=web_message`)).status, 400)
  t.equal(
    (await fetch(`${issuer.issuer}userinfo`, { headers: { authorization: 'Bearer opaque' } })).status,
    401
  )
  t.ok(await verifyToken(issuer, await issuer.token({ sub: 'auth0|ada' })))
})

t.test('a new key signs all tokens from then on, and tokens of a removed key no longer verify', async (t) => {
  const issuer = await start(t)
  const before = await issuer.token({ sub: 'auth0|ada' })
  const kid = await issuer.rotateKey()
  const { access_token: granted } = await requestToken(issuer, { grant_type: 'client_credentials' })
  const after = await issuer.token({ sub: 'auth0|ada' })
  t.same(
    [granted, after].map((token) => decode(token).header['kid']),
    [kid, kid]
  )
  for (const token of [before, granted, after]) t.ok(await verifyToken(issuer, token))

  issuer.removeKey(String(decode(before).header['kid']))
  await t.rejects(verifyToken(issuer, before))
  t.ok(await verifyToken(issuer, after))
})

t.test('sign accepts any header and payload', async (t) => {
  const issuer = await start(t)
  const { header, payload } = decode(
    issuer.sign({ header: { alg: 'none', kid: undefined }, payload: { sub: 7 } })
  )
  t.same(header, { alg: 'none', typ: 'JWT' })
  t.same(payload, { sub: 7 })
})

t.test('with a key file tokens survive a restart, and only the owner can read the file', async (t) => {
  const keyFile = join(t.testdir(), 'nested', 'key.json')
  const first = await start(t, { keyFile })
  const { port } = new URL(first.issuer)
  const token = await first.token({ sub: 'auth0|ada' })
  await first.close()
  await first.close()
  t.equal((await stat(keyFile)).mode & 0o777, 0o600)

  const second = await start(t, { keyFile, port: Number(port) })
  t.match(await verifyToken(second, token), { iss: second.issuer, sub: 'auth0|ada' })
  await t.rejects(startIssuer({ audience, port: Number(port) }), {
    message: `Port ${port} of 127.0.0.1 is taken`
  })
})
