import t from 'tap'
import { createKeySet } from '../../../src/server/auth/key-set.ts'
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
    { ...jwk, kid: 'good' }
  ])
  t.strictSame(
    ['encryption', 'rs512', 'elliptic', 'good', '__proto__'].filter((kid) => keySet.has(kid)),
    ['good']
  )
  t.end()
})
