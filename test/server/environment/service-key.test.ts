import t from 'tap'
import { describeServiceKey } from '../../../src/server/environment/service-key.ts'

const URL = 'https://abcdefghij.supabase.co'
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (claims: unknown) => `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}.c2lnbmF0dXJl`
const secondsFromNow = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

t.test('keys that cannot be the service key are named, without the key', async (t) => {
  const faults: Array<[key: string, fault: RegExp]> = [
    ['sb_publishable_hush', /publishable key.*sb_secret_/],
    ['sbp_hush', /personal access token.*sb_secret_/],
    [jwt({ role: 'anon', hush: 'hush' }), /role anon.*service_role/],
    [jwt({ role: 'authenticated' }), /role authenticated.*service_role/],
    [jwt({ role: 'service_role', exp: secondsFromNow(-1) }), /has expired/],
    [jwt({ role: 'service_role', ref: 'otherproject' }), /another project/],
    ['hush key', /characters that a key cannot have/],
    ['hush-kéy', /characters that a key cannot have/]
  ]
  for (const [key, fault] of faults) {
    const sentence = describeServiceKey(key, URL) ?? ''
    t.match(sentence, fault)
    t.notMatch(sentence, /hush|otherproject|abcdefghij|eyJ/)
  }
})

t.test('what may be a service key is accepted', async (t) => {
  for (const key of [
    'sb_secret_x',
    jwt({ role: 'service_role' }),
    jwt({ role: 'service_role', ref: 'abcdefghij', exp: secondsFromNow(60) }),
    jwt({ role: 'supabase_admin' }),
    jwt(null),
    'not.a.jwt',
    'a.b'
  ]) {
    t.equal(describeServiceKey(key, URL), undefined, key)
  }
  t.equal(
    describeServiceKey(jwt({ role: 'service_role', ref: 'x' }), 'https://storage.example.com'),
    undefined
  )
})
