import t, { type Test } from 'tap'
import { createTransferLimiter } from '../../../src/server/account/transfer-limiter.ts'

const SLOW = 4 * 1024
const FAST = 64 * 1024
const PLACES = 8

/** A limiter, and the clock that the test sets. */
async function start(t: Test, users: number) {
  const clock = { now: 0 }
  t.intercept(performance, 'now', { value: () => clock.now })
  const limiter = createTransferLimiter({ what: 'import', places: PLACES })
  const releases = []
  for (let user = 0; user < users; user++) releases.push(limiter.acquire(`user ${user}`))
  return { clock, limiter, releases, rate: () => limiter.minRate.bytesPerSecond }
}

t.test('an import may be slow while nobody else asks for its place', async (t) => {
  const { limiter, rate } = await start(t, PLACES)
  t.equal(rate(), SLOW)
  t.equal(limiter.minRate.afterMs, 20_000)
})

t.test('a slow import must go faster once another user is refused', async (t) => {
  const { clock, limiter, releases, rate } = await start(t, PLACES)
  t.throws(() => limiter.acquire('another'), { code: 'server_busy' })
  t.equal(rate(), FAST)

  releases[0]?.()
  t.equal(rate(), SLOW, 'a place is free: the others go on')
  limiter.acquire('another')
  t.equal(rate(), SLOW, 'the user has a place')
  t.throws(() => limiter.acquire('a third'), { code: 'server_busy' })
  t.equal(rate(), FAST)
  clock.now += 60_000
  t.equal(rate(), SLOW, 'nobody has asked for a minute')
})

t.test('a second import of one user is refused and does not hurry the others', async (t) => {
  const { limiter, rate } = await start(t, PLACES)
  t.throws(() => limiter.acquire('user 0'), { code: 'server_busy' })
  t.equal(rate(), SLOW)
})
