import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createKeySet, fetchKeySet } from '../../../src/server/auth/key-set.ts'
import { createKey } from '../../helpers/issuer.ts'

const ISSUER = 'https://tenant.auth0.com/'

t.test('a key is converted to PEM once', async (t) => {
  const keySet = createKeySet(ISSUER, [createKey('first').jwk, createKey('second').jwk])
  const pem = keySet.pem('first')
  t.match(await pem, /^-----BEGIN PUBLIC KEY-----/)
  t.equal(keySet.pem('first'), pem, 'the same promise')
  t.not(await keySet.pem('second'), await pem)
})

t.test('only RS256 signing keys with an id are in the set', (t) => {
  const { jwk } = createKey('key')
  const keySet = createKeySet(ISSUER, [
    { ...jwk, kid: 'encryption', use: 'enc' },
    { ...jwk, kid: 'rs512', alg: 'RS512' },
    { ...jwk, kid: 'elliptic', kty: 'EC' },
    { ...jwk, kid: 'without modulus', n: undefined },
    { ...jwk, kid: 'number as modulus', n: 17 },
    { ...jwk, kid: 'empty modulus', n: '' },
    { ...jwk, kid: 7 },
    ...[null, 'text', 7, [], [jwk]],
    { ...jwk, kid: 'good' }
  ])
  t.strictSame(
    [
      'encryption',
      'rs512',
      'elliptic',
      'without modulus',
      'number as modulus',
      'empty modulus',
      'good'
    ].filter((kid) => keySet.has(kid)),
    ['good']
  )
  t.end()
})

async function startIssuer(t: Test, body: string) {
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

t.test('a key set with other members is accepted', async (t) => {
  const issuer = await startIssuer(t, JSON.stringify({ keys: [null, 'x', createKey('good').jwk] }))
  t.ok((await fetchKeySet(issuer, 5000)).has('good'))
})

t.test('an answer of more than a megabyte is refused', async (t) => {
  const issuer = await startIssuer(t, JSON.stringify({ keys: [], padding: 'x'.repeat(1024 * 1024) }))
  await t.rejects(fetchKeySet(issuer, 5000), /has more than 1048576 bytes/)
})

for (const body of ['null', '[]', '{}', '{"keys":{}}', '{"keys":"x"}', '']) {
  t.test(`the answer ${body || '(empty)'} is no key set`, async (t) => {
    await t.rejects(fetchKeySet(await startIssuer(t, body), 5000))
  })
}
