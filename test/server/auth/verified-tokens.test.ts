import t from 'tap'
import { createVerifiedTokens } from '../../../src/server/auth/verified-tokens.ts'

const headerOf = (payload: string | number) => `Bearer e30.${payload}.c2ln`

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
  tokens.add(headerOf('a'), { sub: 'auth0|clara', exp: inSeconds(3600) })
  clock.now += 59_999
  t.equal(tokens.find(headerOf('a')), 'auth0|clara')
  t.equal(tokens.find(headerOf('b')), undefined)
  clock.now += 1
  t.equal(tokens.find(headerOf('a')), undefined)
})

t.test('a token is not remembered beyond its expiry', async (t) => {
  const { clock, tokens, inSeconds } = start()
  tokens.add(headerOf('a'), { sub: 'auth0|clara', exp: inSeconds(10) })
  tokens.add(headerOf('late'), { sub: 'auth0|clara', exp: inSeconds(-5) }) // within the tolerance of verification
  t.equal(tokens.find(headerOf('late')), undefined)
  clock.now += 10_000
  t.equal(tokens.find(headerOf('a')), undefined)
})

t.test('a new key set forgets all tokens', async (t) => {
  const { tokens, inSeconds } = start()
  tokens.add(headerOf('a'), { sub: 'auth0|clara', exp: inSeconds(3600) })
  tokens.clear()
  t.equal(tokens.find(headerOf('a')), undefined)
})

t.test('tokens are bounded in number and in length', async (t) => {
  const { tokens, inSeconds } = start()
  const remembered = (name: (index: number) => string) => {
    for (let i = 0; i < 5000; i++) tokens.add(name(i), { sub: 'auth0|clara', exp: inSeconds(3600) })
    return Array.from({ length: 5000 }, (_, i) => name(i)).filter((token) => tokens.find(token)).length
  }
  t.equal(
    remembered((index) => headerOf(index)),
    2000
  )
  t.ok(
    remembered((index) => headerOf(`${index}${'x'.repeat(16_000)}`)) <= 262,
    'at most four million characters'
  )
})

t.test('a token is remembered in one form, so that one user cannot fill the memory with it', async (t) => {
  const { tokens, inSeconds } = start()
  for (const form of ['bearer e30.a.c2ln', 'BEARER e30.a.c2ln', 'Bearer e30.a.c2x', 'Bearer e30.a.c2lnAB']) {
    tokens.add(form, { sub: 'auth0|clara', exp: inSeconds(3600) })
    t.equal(tokens.find(form), undefined, form)
  }
})
