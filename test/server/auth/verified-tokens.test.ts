import t from 'tap'
import { createVerifiedTokens } from '../../../src/server/auth/verified-tokens.ts'

function start() {
  const clock = { now: 1_000_000_000_000 }
  return {
    clock,
    tokens: createVerifiedTokens(() => clock.now),
    inSeconds: (s: number) => clock.now / 1000 + s
  }
}

t.test('a token is remembered for a minute', async (t) => {
  const { clock, tokens, inSeconds } = start()
  tokens.add('Bearer a', { sub: 'auth0|clara', exp: inSeconds(3600) })
  clock.now += 59_999
  t.equal(tokens.find('Bearer a'), 'auth0|clara')
  t.equal(tokens.find('Bearer b'), undefined)
  clock.now += 1
  t.equal(tokens.find('Bearer a'), undefined)
})

t.test('a token is not remembered beyond its expiry', async (t) => {
  const { clock, tokens, inSeconds } = start()
  tokens.add('Bearer a', { sub: 'auth0|clara', exp: inSeconds(10) })
  tokens.add('Bearer late', { sub: 'auth0|clara', exp: inSeconds(-5) }) // within the tolerance of verification
  t.equal(tokens.find('Bearer late'), undefined)
  clock.now += 10_000
  t.equal(tokens.find('Bearer a'), undefined)
})

t.test('a new key set forgets all tokens', async (t) => {
  const { tokens, inSeconds } = start()
  tokens.add('Bearer a', { sub: 'auth0|clara', exp: inSeconds(3600) })
  tokens.clear()
  t.equal(tokens.find('Bearer a'), undefined)
})

t.test('tokens are bounded in number and in length', async (t) => {
  const { tokens, inSeconds } = start()
  const remembered = (name: (index: number) => string) => {
    for (let i = 0; i < 5000; i++) tokens.add(name(i), { sub: 'auth0|clara', exp: inSeconds(3600) })
    return Array.from({ length: 5000 }, (_, i) => name(i)).filter((token) => tokens.find(token)).length
  }
  t.equal(
    remembered((index) => `Bearer ${index}`),
    2000
  )
  t.ok(
    remembered((index) => `Bearer ${index} ${'x'.repeat(16_000)}`) <= 262,
    'at most four million characters'
  )
})
