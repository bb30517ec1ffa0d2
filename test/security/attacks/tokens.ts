import {
  constants,
  createHmac,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  sign,
  type JsonWebKey
} from 'node:crypto'
import { AUDIENCE, createKey } from '../../helpers/issuer.ts'
import type { Attack } from '../helpers/attack.ts'
import type { World } from '../helpers/world.ts'

type Json = Record<string, unknown>
type Signer = (text: string) => Buffer | string

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token with this header and payload, objects or JSON, and the signature that `signer` makes. */
function forge(header: Json | string, payload: Json | string, signer: Signer): string {
  const text = `${encode(header)}.${encode(payload)}`
  return `${text}.${Buffer.from(signer(text)).toString('base64url')}`
}

const deep = (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)

/** Tokens that plugin.test.ts of the server's auth does not try. Each is refused. */
export function tokenAttacks({ issuer, victim, trap }: World): Attack[] {
  const [key] = issuer.state.keys
  if (!key) throw new Error('The issuer has no key')
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: issuer.issuer, aud: AUDIENCE, iat: now, exp: now + 3600, sub: victim.sub }
  const head = { alg: 'RS256', typ: 'JWT', kid: key.kid }
  const published = key.jwk as JsonWebKey
  const publicKey = createPublicKey({ key: published, format: 'jwk' })
  const stranger = createKey()
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const edwards = generateKeyPairSync('ed25519')
  const { host } = new URL(issuer.issuer)

  const rightly: Signer = (text) => createSign('RSA-SHA256').update(text).sign(key.privateKey)
  const strangely: Signer = (text) => createSign('RSA-SHA256').update(text).sign(stranger.privateKey)
  const hmac =
    (secret: string | Buffer, hash = 'sha256'): Signer =>
    (text) =>
      createHmac(hash, secret).update(text).digest()
  const pss: Signer = (text) =>
    sign('sha256', Buffer.from(text), { key: key.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })
  const header = (fields: Json, signer: Signer = strangely) => forge({ ...head, ...fields }, claims, signer)
  const payload = (fields: Json) => forge(head, { ...claims, ...fields }, rightly)
  const good = forge(head, claims, rightly)
  const [h = '', p = '', s = ''] = good.split('.')
  const own = issuer.token('auth0|mallory')
  const withJson = (json: string) => forge(head, json, rightly)

  const tokens: Record<string, string> = {
    'HS256 with the public key as PKCS#1': header(
      { alg: 'HS256' },
      hmac(publicKey.export({ type: 'pkcs1', format: 'pem' }))
    ),
    'HS256 with the public key as DER': header(
      { alg: 'HS256' },
      hmac(publicKey.export({ type: 'spki', format: 'der' }))
    ),
    'HS256 with the published JWK as the secret': header({ alg: 'HS256' }, hmac(JSON.stringify(key.jwk))),
    'HS256 with the modulus as the secret': header({ alg: 'HS256' }, hmac(String(published.n))),
    'HS256 with the kid as the secret': header({ alg: 'HS256' }, hmac(key.kid)),
    'HS256 with an empty secret': header({ alg: 'HS256' }, hmac('')),
    'HS384 with the JWK as the secret': header({ alg: 'HS384' }, hmac(JSON.stringify(key.jwk), 'sha384')),
    'an HMAC signature under the name RS256': header(
      {},
      hmac(publicKey.export({ type: 'spki', format: 'pem' }))
    ),
    'alg none with a good signature': header({ alg: 'none' }, rightly),
    'alg NONE': header({ alg: 'NONE' }, () => ''),
    'alg none with a space': header({ alg: 'none ' }, () => ''),
    'an empty alg': header({ alg: '' }, rightly),
    'alg null': header({ alg: null }, rightly),
    'alg in lower case': header({ alg: 'rs256' }, rightly),
    'alg with a trailing space': header({ alg: 'RS256 ' }, rightly),
    'alg with NUL': header({ alg: 'RS256\0' }, rightly),
    'a list with the right alg': header({ alg: ['RS256'] }, rightly),
    'an object as alg': header({ alg: { toString: 'RS256' } }, rightly),
    'alg true': header({ alg: true }, rightly),
    'a number as alg': header({ alg: 256 }, rightly),
    'the alg of an object prototype': header({ alg: '__proto__' }, rightly),
    'PS256 with the right key': header({ alg: 'PS256' }, pss),
    'a PSS signature under the name RS256': header({}, pss),
    'ES256 with a key in the header': header(
      { alg: 'ES256', jwk: elliptic.publicKey.export({ format: 'jwk' }) },
      (text) => sign('sha256', Buffer.from(text), { key: elliptic.privateKey, dsaEncoding: 'ieee-p1363' })
    ),
    'EdDSA with a key in the header': header(
      { alg: 'EdDSA', jwk: edwards.publicKey.export({ format: 'jwk' }) },
      (text) => sign(null, Buffer.from(text), edwards.privateKey)
    ),
    'a key of its own in the header, under the kid of the issuer': header({
      jwk: { ...stranger.jwk, kid: key.kid }
    }),
    'a key set of its own (jku)': header({ jku: `${trap.url}/jwks.json`, kid: 'mine' }),
    'a key set of its own (jku), under the kid of the issuer': header({ jku: `${trap.url}/jwks.json` }),
    'a certificate of its own (x5u)': header({ x5u: `${trap.url}/cert.pem` }),
    'a certificate in the header (x5c)': header({ x5c: ['MIIB'] }),
    'a thumbprint instead of a kid': header({ kid: undefined, x5t: 'AAAA' }),
    'a critical header that is not understood': header({ crit: ['exp'], exp: 1 }, rightly),
    'a critical unencoded payload (b64)': header({ crit: ['b64'], b64: false }, rightly),
    'an empty list of critical headers': header({ crit: [] }, rightly),
    'a compressed payload (zip)': header({ zip: 'DEF' }),
    'a token within the token (cty)': forge({ ...head, cty: 'JWT' }, JSON.stringify(good), strangely),
    'a kid of the object prototype': header({ kid: '__proto__' }),
    'the kid constructor': header({ kid: 'constructor' }),
    'the kid toString': header({ kid: 'toString' }),
    'an SQL injection in kid': header({ kid: "' UNION SELECT 'key' --" }),
    'a kid that is a URL': header({ kid: `${trap.url}/key` }),
    'a kid that names a device': header({ kid: '/dev/null' }, hmac('')),
    'a kid with CRLF': header({ kid: `${key.kid}\r\nx: y` }),
    'a kid with NUL': header({ kid: `${key.kid}\0` }),
    'the kid in upper case': header({ kid: key.kid.toUpperCase() }),
    'the kid with a trailing space': header({ kid: `${key.kid} ` }),
    'a kid of 5,000 characters': header({ kid: 'k'.repeat(5000) }),
    'a kid that is an object': header({ kid: { toString: key.kid } }),
    'a kid that is true': header({ kid: true }),
    'the key of another issuer, under its own kid': header({ kid: stranger.kid }),
    'a header of 2,000 levels': forge(
      `{"alg":"RS256","kid":"${key.kid}","x":${deep(1200)}}`,
      claims,
      strangely
    ),
    'a header that names the algorithm twice': forge(
      `{"alg":"RS256","kid":"${key.kid}","alg":"none"}`,
      claims,
      () => ''
    ),
    'a header that is a list': forge('[{"alg":"RS256"}]', claims, rightly),
    'a header that is null': forge('null', claims, rightly),
    'a header that is a number': forge('5', claims, rightly),
    'a header whose members are inherited (__proto__)': forge(
      `{"__proto__":{"alg":"RS256","kid":"${key.kid}"}}`,
      claims,
      rightly
    ),

    'the issuer in upper case': payload({ iss: issuer.issuer.toUpperCase() }),
    'the issuer with two slashes': payload({ iss: `${issuer.issuer}/` }),
    'the issuer as user name of another host': payload({ iss: `http://${host}@evil.example/` }),
    'another host with the issuer as its path': payload({ iss: `https://evil.example/${issuer.issuer}` }),
    'a subdomain that begins like the issuer': payload({ iss: `http://${host}.evil.example/` }),
    'the issuer with a query': payload({ iss: `${issuer.issuer}?x` }),
    'the issuer with a fragment': payload({ iss: `${issuer.issuer}#x` }),
    'the issuer under https': payload({ iss: `https://${host}/` }),
    'the issuer with a trailing space': payload({ iss: `${issuer.issuer} ` }),
    'the issuer with NUL': payload({ iss: `${issuer.issuer}\0` }),
    'a list with the issuer alone': payload({ iss: [issuer.issuer] }),
    'an object as issuer': payload({ iss: { href: issuer.issuer } }),
    'an empty issuer': payload({ iss: '' }),
    'issuer null': payload({ iss: null }),
    'issuer true': payload({ iss: true }),

    'the audience in upper case': payload({ aud: AUDIENCE.toUpperCase() }),
    'the audience with a slash': payload({ aud: `${AUDIENCE}/` }),
    'the beginning of the audience': payload({ aud: AUDIENCE.slice(0, -1) }),
    'audiences in one text, by comma': payload({ aud: `https://other.example,${AUDIENCE}` }),
    'audiences in one text, by space': payload({ aud: `https://other.example ${AUDIENCE}` }),
    'a list in a list of audiences': payload({ aud: [[AUDIENCE]] }),
    'an audience as member of an object': payload({ aud: { 0: AUDIENCE, length: 1 } }),
    'audience null': payload({ aud: null }),
    'audience true': payload({ aud: true }),
    'an audience that matches all': payload({ aud: '*' }),
    'an audience beside one that is no text': payload({ aud: [AUDIENCE, 5] }),
    'an empty audience': payload({ aud: '' }),
    'the client id of an ID token': payload({ aud: 'client-id', azp: 'client-id', nonce: 'x' }),
    'the audience in the claim azp': payload({ aud: undefined, azp: AUDIENCE }),

    'expiry 0': payload({ exp: 0 }),
    'a negative expiry': payload({ exp: -1 }),
    'expiry true': payload({ exp: true }),
    'an expiry in a list': payload({ exp: [now + 3600] }),
    'an expiry as object': payload({ exp: { valueOf: now + 3600 } }),
    'an expiry as a date': payload({ exp: '2099-01-01T00:00:00Z' }),
    'an empty expiry': payload({ exp: '' }),
    'expired for years': payload({ exp: 1_000_000_000 }),
    'an expiry of 400 digits': withJson(
      JSON.stringify(claims).replace(/"exp":\d+/, `"exp":${'9'.repeat(400)}`)
    ),
    'an expiry given twice, the last in the past': withJson(
      JSON.stringify(claims).replace(/}$/, ',"exp":1}')
    ),
    'valid only from next year on': payload({ nbf: now + 31_536_000 }),
    'a start in milliseconds': payload({ nbf: Date.now() }),
    'a start in a list': payload({ nbf: [0] }),
    'a start that is null': payload({ nbf: null }),
    'a start that is true': payload({ nbf: true }),

    'a sub in a list': payload({ sub: [victim.sub] }),
    'a sub as object': payload({ sub: { toString: victim.sub } }),
    'sub true': payload({ sub: true }),
    'a sub with a tab': payload({ sub: 'auth0|\tmallory' }),
    'a sub with DEL': payload({ sub: 'auth0|mallory\x7f' }),
    'a sub of 10,000 characters': payload({ sub: 'x'.repeat(5000) }),
    'the user in a claim of its own instead of sub': payload({ sub: undefined, user_id: victim.sub }),
    'claims that are inherited (__proto__)': withJson(`{"__proto__":${JSON.stringify(claims)}}`),
    'a payload that is a list': withJson(JSON.stringify([claims])),
    'a payload that is null': withJson('null'),
    'a payload that is a number': withJson('5'),
    'an empty payload': withJson(''),
    'a payload with a byte order mark before the wrong brace': withJson('\ufeff['),
    'a payload of 1,200 levels, signed by a stranger': forge(head, deep(1200), strangely),
    'a truncated payload': withJson(JSON.stringify(claims).slice(0, -5)),

    'the payload of the victim with the signature of an own token': `${h}.${p}.${own.split('.')[2]}`,
    'the header of an own token, the payload of the victim': `${own.split('.')[0]}.${p}.${own.split('.')[2]}`,
    'a signature of zeros': `${h}.${p}.${Buffer.alloc(256).toString('base64url')}`,
    'a signature of one byte': `${h}.${p}.AA`,
    'a signature cut by one byte': forge(head, claims, (text) => Buffer.from(rightly(text)).subarray(0, 255)),
    'a signature with one byte more': forge(head, claims, (text) =>
      Buffer.concat([Buffer.from(rightly(text)), Buffer.alloc(1)])
    ),
    'a signature that is not base64': `${h}.${p}.!!!!`,
    'a signature of 8,000 characters': `${h}.${p}.${'A'.repeat(8000)}`,
    'a token with an empty header': `.${p}.${s}`,
    'a token with an empty payload': `${h}..${s}`,
    'two dots': '..',
    'a hundred dots': '.'.repeat(100),
    'a token of 12,000 characters': `${'A'.repeat(4000)}.${'B'.repeat(4000)}.${'C'.repeat(4000)}`,
    'the JSON serialization of a token': JSON.stringify({ protected: h, payload: p, signature: s }),
    'a percent-encoded token': encodeURIComponent(`${h}.${p}`) + '%2E' + s,
    'a token of invalid UTF-8': `${Buffer.from([0xff, 0xfe]).toString('base64url')}.${p}.${s}`,
    'the word undefined': 'undefined',
    'the word null': 'null'
  }

  const schemes: Record<string, string> = {
    'a token without a space after Bearer': `Bearer${good}`,
    'a token after a colon': `Bearer: ${good}`,
    'a token after two spaces and a comma': `Bearer  ,${good}`,
    'the scheme DPoP': `DPoP ${good}`,
    'the scheme Digest': `Digest username="victim", response="${s}"`,
    'a token as user of Basic': `Basic ${Buffer.from(`victim:${good}`).toString('base64')}`,
    'a quoted token': `Bearer token="${good}"`,
    'two schemes': `Basic x, Bearer ${good}`,
    'a token after a tab': `Bearer\t${good}`,
    'a forged token before a good one': `Bearer ${h}.${p}.AA ${own}`
  }
  const attack = (name: string, authorization: string): Attack => ({
    name,
    request: { url: '/api/sessions', headers: { authorization } },
    answers: ['invalid_token']
  })
  return [
    ...Object.entries(tokens).map(([name, token]) => attack(name, `Bearer ${token}`)),
    ...Object.entries(schemes).map(([name, value]) => attack(name, value)),
    ...similarSubjects(victim.sub).map(
      ([name, sub]) =>
        ({
          ...attack(name, `Bearer ${issuer.token(sub)}`),
          answers: [200],
          check: (t, { body }) => t.equal(body, '[]', `${name}: an empty history`)
        }) satisfies Attack
    )
  ]
}

/** Subjects of other people that resemble the victim's: each is somebody else, without sessions. */
const similarSubjects = (sub: string): Array<[name: string, sub: string]> => [
  ['the sub of the victim in upper case', sub.toUpperCase()],
  ['the sub of the victim with a trailing space', `${sub} `],
  ['the sub of the victim with a leading space', ` ${sub}`],
  ['the sub of the victim with a Cyrillic letter', sub.replace('i', 'і')],
  ['the sub of the victim with a full-width letter', sub.replace('v', 'ｖ')],
  ['the sub of the victim with an invisible character', `${sub}\u200b`],
  ['the sub of the victim at another provider', sub.replace('auth0', 'google-oauth2')],
  ['the sub % as a pattern', 'auth0|%'],
  ['the sub of the victim with a wildcard', sub.replace('v', '_')],
  ['an SQL injection in sub', `' OR auth0_id = '${sub}`],
  ['a sub of the object prototype', '__proto__']
]
