import t, { type Test } from 'tap'
import { createSigningKeys } from '../../../src/server/auth/signing-keys.ts'
import { createKey, startTestIssuer } from '../../helpers/issuer.ts'

const MINUTE = 60_000
const LIMIT_MS = 300

/** Without an issuer that hangs, the limit is long enough for a busy machine. */
async function start(t: Test, timeoutMs = 30_000) {
  const issuer = await startTestIssuer(t)
  const clock = { now: Date.now() }
  const keys = createSigningKeys({ issuer: issuer.issuer, timeoutMs, now: () => clock.now })
  const kid = () => issuer.state.keys.at(-1)?.kid ?? ''
  const rotate = () => {
    issuer.state.keys = [createKey()]
    return kid()
  }
  const flood = (count: number) =>
    Promise.allSettled(
      Array.from({ length: count }, (_, index) => keys.find(`invented-${clock.now}-${index}`))
    )
  /** Advances the clock while a known key is used every minute, as on a busy server. */
  const pass = async (minutes: number, known: string) => {
    for (let i = 0; i < minutes; i++) {
      clock.now += MINUTE
      await keys.find(known).catch(() => {})
    }
  }
  return { ...issuer, clock, keys, kid, rotate, flood, pass }
}

const unavailable = { code: 'issuer_unavailable' }
const invalid = { code: 'invalid_token' }

t.test('concurrent calls for a key share one read of the key set', async (t) => {
  const { keys, kid, state } = await start(t)
  const found = await Promise.all(Array.from({ length: 100 }, () => keys.find(kid())))
  t.match(found[0], /^-----BEGIN PUBLIC KEY-----/)
  t.equal(new Set(found).size, 1)
  t.equal(state.reads, 1)
})

t.test('a thousand invented key ids cause a few reads, and so does a minute of them', async (t) => {
  const { flood, state, clock } = await start(t)
  t.ok((await flood(1000)).every(({ status }) => status === 'rejected'))
  t.ok(state.reads <= 2, `${state.reads} reads`)
  for (let second = 0; second < 60; second++) {
    clock.now += 1000
    await flood(20)
  }
  t.ok(state.reads <= 6, `${state.reads} reads`)
})

t.test('a rotated key is accepted on its first use', async (t) => {
  const { keys, kid, rotate } = await start(t)
  const old = kid()
  await keys.find(old)
  t.match(await keys.find(rotate()), /PUBLIC KEY/)
  await t.rejects(keys.find(old), invalid, 'the old key is refused from then on')
})

t.test('a rotated key is accepted within 30 s during a flood of invented key ids', async (t) => {
  const { keys, kid, rotate, flood, clock } = await start(t)
  await keys.find(kid())
  await flood(100)
  const fresh = rotate()
  let waited = 0
  for (; waited <= 60; waited++) {
    await flood(10)
    if (
      await keys.find(fresh).then(
        () => true,
        () => false
      )
    ) {
      break
    }
    clock.now += 1000
  }
  t.ok(waited <= 30, `after ${waited} s`)
})

t.test('a removed key is refused within ten minutes, whether used often or seldom', async (t) => {
  const { keys, kid, rotate, pass, clock } = await start(t)
  const busy = kid()
  await keys.find(busy)
  rotate()
  await pass(10, busy)
  await t.rejects(keys.find(busy), invalid)

  const seldom = kid()
  await keys.find(seldom)
  rotate()
  clock.now += 10 * MINUTE
  await t.rejects(keys.find(seldom), invalid)
})

t.test('after an idle hour, every concurrent request waits for the new keys', async (t) => {
  const { keys, kid, rotate, clock } = await start(t)
  const removed = kid()
  await keys.find(removed)
  rotate()
  clock.now += 60 * MINUTE
  const found = await Promise.allSettled(Array.from({ length: 5 }, () => keys.find(removed)))
  for (const result of found) t.match(result, { status: 'rejected', reason: invalid })
})

for (const mode of ['hang', 'error', 'garbage', 'down'] as const) {
  t.test(
    `known keys stay valid while the issuer fails for an hour (${mode}), and it is used again afterwards`,
    async (t) => {
      const {
        keys,
        kid,
        rotate,
        pass,
        flood,
        state,
        stop,
        start: startAgain,
        clock
      } = await start(t, LIMIT_MS)
      const known = kid()
      await keys.find(known)
      if (mode === 'down') await stop()
      else state.mode = mode
      const readsBefore = state.reads
      for (let i = 0; i < 60; i++) {
        clock.now += MINUTE
        const startedAt = performance.now()
        t.match(await keys.find(known), /PUBLIC KEY/)
        t.ok(performance.now() - startedAt < LIMIT_MS + 500, 'within the time limit')
      }
      t.ok(state.reads - readsBefore <= 61, 'at most one read a minute')
      const startedAt = performance.now()
      for (const result of await flood(100)) t.match(result, { status: 'rejected', reason: unavailable })
      t.ok(performance.now() - startedAt < LIMIT_MS + 500, 'an unknown key fails within the time limit')
      await t.rejects(keys.check(), unavailable)

      if (mode === 'down') await startAgain()
      state.mode = 'ok'
      const fresh = rotate()
      clock.now += 20_000
      t.match(await keys.find(fresh), /PUBLIC KEY/)
      await keys.check()
      await pass(1, fresh)
      await t.rejects(keys.find(known), invalid, 'a key removed during the outage is refused')
    }
  )
}

t.test(
  'a known key is found without waiting while the issuer hangs on a read for an unknown one',
  async (t) => {
    const { keys, kid, state } = await start(t, LIMIT_MS)
    await keys.find(kid())
    state.mode = 'hang'
    const unknown = keys.find('unknown').then(
      () => 'found',
      () => 'failed'
    )
    t.equal(await Promise.race([keys.find(kid()).then(() => 'known first'), unknown]), 'known first')
    t.equal(await unknown, 'failed')
  }
)

t.test('keys that are not for RS256 signatures are not used', async (t) => {
  const { keys, state } = await start(t)
  const [encryption, otherAlgorithm, nameless, good] = ['enc', 'rs512', 'nameless', 'good'].map((kid) =>
    createKey(kid)
  )
  state.keys = [encryption, otherAlgorithm, nameless, good].filter((key) => key !== undefined)
  Object.assign(encryption?.jwk ?? {}, { use: 'enc' })
  Object.assign(otherAlgorithm?.jwk ?? {}, { alg: 'RS512' })
  delete nameless?.jwk['kid']
  await keys.find('good')
  for (const kid of ['enc', 'rs512', 'nameless', 'undefined', '__proto__', 'constructor']) {
    await t.rejects(keys.find(kid), invalid, kid)
  }
})

t.test('readiness detects that the issuer is back', async (t) => {
  const { keys, start: restart, stop, clock } = await start(t)
  await keys.check()
  await stop()
  clock.now += 10 * MINUTE
  await keys.check()
  await keys.find('unknown').catch(() => {})
  await t.rejects(keys.check(), unavailable)
  await restart()
  clock.now += MINUTE
  await t.resolves(keys.check())
})
