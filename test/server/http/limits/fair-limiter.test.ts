import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { createFairLimiter } from '../../../../src/server/http/limits/fair-limiter.ts'
import { runsOf } from '../../../helpers/property-runs.ts'

const LONG_MS = 60_000

const create = (options: Partial<Parameters<typeof createFairLimiter>[0]>) =>
  createFairLimiter({
    count: 1,
    perUser: Infinity,
    maxWaiting: 100,
    waitMs: LONG_MS,
    refusal: 'Retry later.',
    ...options
  })

/** Collects the names of those that have entered. */
function follow(entering: Record<string, Promise<unknown>>) {
  const entered: string[] = []
  for (const [name, acquired] of Object.entries(entering)) acquired.then(() => entered.push(name))
  return async () => {
    await new Promise(setImmediate)
    return entered
  }
}

t.test('only `count` calls go on at a time, and the others in the order of their calls', async (t) => {
  const limiter = create({ count: 2 })
  const first = await limiter.acquire('first')
  const second = await limiter.acquire('second')
  const [third, fourth] = [limiter.acquire('third'), limiter.acquire('fourth')]
  const entered = follow({ third, fourth })
  t.strictSame(await entered(), [])
  first()
  first() // gives back one place only
  t.strictSame(await entered(), ['third'])
  second()
  t.strictSame(await entered(), ['third', 'fourth'])
  for (const release of await Promise.all([third, fourth])) release()
  await Promise.all([limiter.acquire('first'), limiter.acquire('second')])
})

t.test('one user holds at most `perUser` places, and does not block others while waiting', async (t) => {
  const limiter = create({ count: 5, perUser: 2 })
  const [first] = [await limiter.acquire('clara'), await limiter.acquire('clara')]
  const [third, fourth] = [limiter.acquire('clara'), limiter.acquire('clara')]
  const entered = follow({ third, fourth })
  const robert = [await limiter.acquire('robert'), await limiter.acquire('robert')]
  t.strictSame(await entered(), [], 'though there is room for others')
  robert[0]?.()
  t.strictSame(await entered(), [])
  first()
  t.strictSame(await entered(), ['third'])
  ;(await third)()
  t.strictSame(await entered(), ['third', 'fourth'])
})

t.test('a place that is free can be taken without waiting', async (t) => {
  const limiter = create({ count: 2, perUser: 1 })
  const release = limiter.tryAcquire('clara')
  t.type(release, 'function')
  t.equal(limiter.tryAcquire('clara'), undefined)
  t.type(limiter.tryAcquire('robert'), 'function')
  release?.()
  t.type(limiter.tryAcquire('clara'), 'function')
})

t.test('calls take as many places as they ask for', async (t) => {
  const limiter = create({ count: 10, perUser: 6 })
  const big = await limiter.acquire('clara', undefined, 6)
  const [more, robert, late] = [
    limiter.acquire('clara', undefined, 1),
    limiter.acquire('robert', undefined, 5),
    limiter.acquire('ada', undefined, 4)
  ]
  const entered = follow({ more, robert, late })
  t.strictSame(await entered(), [], 'clara has her share, 5 places are not free, and ada is behind robert')
  big()
  t.strictSame(await entered(), ['more', 'robert', 'late'], 'one release admits all for whom there is room')
  for (const release of [await more, await robert, await late]) release()
  ;(await limiter.acquire('clara', undefined, 100))()
  t.equal(
    typeof (await limiter.acquire('clara', undefined, 6)),
    'function',
    'nobody waits for more than a share'
  )
})

t.test('many places are taken at once only if all of them are free, and no more than a share', async (t) => {
  const limiter = create({ count: 4, perUser: 3 })
  t.equal(limiter.tryAcquire('clara', 4), undefined)
  const release = limiter.tryAcquire('clara', 3)
  t.equal(limiter.tryAcquire('robert', 2), undefined)
  t.equal(limiter.usage().held, 3, 'and nothing was taken')
  release?.()
  t.type(limiter.tryAcquire('robert', 2), 'function')
  t.equal(limiter.usage().held, 2)
})

t.test('who needs many places is not overtaken by calls that need few', async (t) => {
  const limiter = create({ count: 10, perUser: 5 })
  const held = await Promise.all(Array.from({ length: 10 }, (_, index) => limiter.acquire(`user ${index}`)))
  const large = limiter.acquire('clara', undefined, 5)
  held.shift()?.()
  t.equal(limiter.tryAcquire('robert'), undefined)
  const entered = follow({ large, small: limiter.acquire('robert') })
  for (const release of held.splice(0, 3)) release()
  t.strictSame(await entered(), [])
  held.shift()?.()
  t.strictSame(await entered(), ['large'])
  held.shift()?.()
  t.strictSame(await entered(), ['large', 'small'])
})

t.test('a call that gives up admits the next one', async (t) => {
  const limiter = create({ count: 4, perUser: 4 })
  await limiter.acquire('johannes')
  const gone = new AbortController()
  const large = limiter.acquire('clara', gone.signal, 4)
  large.catch(() => {})
  const entered = follow({ same: limiter.acquire('clara'), other: limiter.acquire('robert') })
  t.strictSame(await entered(), [])
  gone.abort()
  t.strictSame(await entered(), ['same', 'other'])
})

t.test('borrowed places are taken at once, and others wait until they are given back', async (t) => {
  const limiter = create({ count: 2 })
  const release = limiter.borrow('clara', 5)
  const waiting = limiter.acquire('robert')
  const entered = follow({ waiting })
  t.strictSame(await entered(), [])
  release()
  t.strictSame(await entered(), ['waiting'])
})

t.test('a free place goes to the first user in the queue who may hold one more', async (t) => {
  const limiter = create({ count: 2, perUser: 1 })
  const [clara, robert] = [await limiter.acquire('clara'), await limiter.acquire('robert')]
  const entered = follow({ clara: limiter.acquire('clara'), johannes: limiter.acquire('johannes') })
  robert()
  t.strictSame(await entered(), ['johannes'])
  clara()
  t.strictSame(await entered(), ['johannes', 'clara'])
})

t.test('users who wait take turns', async (t) => {
  const limiter = create({})
  let release = await limiter.acquire('clara')
  const order: string[] = []
  const enter = (user: string) =>
    limiter.acquire(user).then((next) => {
      order.push(user)
      release = next
    })
  for (const user of ['clara', 'clara', 'clara', 'robert', 'robert', 'johannes']) enter(user)
  for (let count = 0; count < 6; count++) {
    release()
    await new Promise(setImmediate)
  }
  t.strictSame(order, ['clara', 'robert', 'johannes', 'clara', 'robert', 'clara'])
})

t.test('a call that waits too long is refused with server_busy', async (t) => {
  const limiter = create({ waitMs: 5 })
  const release = await limiter.acquire('clara')
  await t.rejects(limiter.acquire('clara'), {
    code: 'server_busy',
    statusCode: 503,
    retryAfter: 5,
    message: 'Retry later.'
  })
  release()
  t.ok(await limiter.acquire('clara'), 'and has taken nothing')
})

t.test('a call is refused at once when the queue is full', async (t) => {
  const limiter = create({ maxWaiting: 2 })
  const release = await limiter.acquire('clara')
  t.equal(limiter.findRefusal('clara'), undefined)
  const waiting = [limiter.acquire('clara'), limiter.acquire('robert')]
  t.match(limiter.findRefusal('johannes'), { code: 'server_busy' })
  await t.rejects(limiter.acquire('johannes'), { code: 'server_busy' })
  release()
  const next = await waiting[0]
  t.equal(limiter.findRefusal('johannes'), undefined)
  waiting.push(limiter.acquire('johannes'))
  next?.()
  for (const acquired of waiting) (await acquired)()
})

t.test('in an overload, calls get a free place or are refused', async (t) => {
  const limiter = create({ count: 2, maxWaiting: 2, waitMsInOverload: 100 })
  const [releaseFirst, releaseSecond] = [await limiter.acquire('clara'), await limiter.acquire('ada')]
  const waiting = [limiter.acquire('robert'), limiter.acquire('johannes')]
  t.match(limiter.findRefusal('ludwig'), { code: 'server_busy' }, 'the queue is full')
  releaseFirst()
  const releaseThird = await waiting[0]
  t.match(limiter.findRefusal('ludwig'), { code: 'server_busy' }, 'the queue has room, but nobody may wait')
  await t.rejects(limiter.acquire('ludwig'), { code: 'server_busy' })
  releaseSecond()
  releaseThird?.()
  ;(await waiting[1])?.()
  t.equal(limiter.findRefusal('ludwig'), undefined)
  t.type(limiter.tryAcquire('ludwig'), 'function')
})

t.test('when an overload begins, the calls in the queue wait for less time', async (t) => {
  const limiter = create({ maxWaiting: 2, waitMsInOverload: 10 })
  const release = await limiter.acquire('clara')
  const waiting = ['robert', 'johannes'].map((user) => limiter.acquire(user))
  const refused = Promise.all(waiting.map((call) => t.rejects(call, { code: 'server_busy' })))
  t.match(limiter.findRefusal('ludwig'), { code: 'server_busy' })
  await refused
  release()
  t.strictSame(limiter.usage(), { places: 1, held: 0, waiting: 0 })
})

t.test('an overload ends when most calls are accepted', async (t) => {
  const limiter = create({ maxWaiting: 1, waitMsInOverload: 10 })
  const release = await limiter.acquire('clara')
  await Promise.all(['robert', 'johannes'].map((user) => t.rejects(limiter.acquire(user))))
  release()
  for (let call = 0; call < 3; call++) limiter.tryAcquire('ludwig')?.()
  await sleep(550)
  const held = limiter.tryAcquire('clara')
  const waiting = limiter.acquire('ludwig')
  held?.()
  t.type(await waiting, 'function', 'calls may wait again')
})

t.test('without an overload, calls wait for longer', async () => {
  const limiter = create({ maxWaiting: 3, waitMsInOverload: 10 })
  const release = await limiter.acquire('clara')
  const next = limiter.acquire('robert')
  await sleep(50)
  release()
  ;(await next)()
})

t.test('a user who fills the queue alone is refused, and makes no overload for others', async (t) => {
  const limiter = create({ count: 1, maxWaiting: 10, waitMsInOverload: 1 })
  const waiting = Array.from({ length: 11 }, () => limiter.acquire('greedy'))
  for (let call = 0; call < 5; call++) {
    t.match(limiter.findRefusal('greedy'), { code: 'server_busy' })
    await t.rejects(limiter.acquire('greedy'), { code: 'server_busy' })
  }
  const others = Array.from({ length: 4 }, (_, user) => limiter.acquire(`user ${user}`))
  const released = await Promise.allSettled(
    [...waiting, ...others].map(async (call, index) => {
      const release = await call
      if (index === 0) await sleep(20) // in an overload, the others would be refused meanwhile
      release()
    })
  )
  t.strictSame([...new Set(released.slice(waiting.length).map(({ status }) => status))], ['fulfilled'])
})

t.test('a user who holds a place makes no overload for others', async (t) => {
  const limiter = create({ count: 2, perUser: 1, maxWaiting: 1, waitMsInOverload: 1 })
  const [greedy, other] = [await limiter.acquire('greedy'), await limiter.acquire('clara')]
  const waiting = limiter.acquire('robert')
  t.match(limiter.findRefusal('greedy'), { code: 'server_busy' })
  other()
  ;(await waiting)()
  await limiter.acquire('clara')
  const next = limiter.acquire('robert')
  greedy()
  t.type(await next, 'function', 'the place in the queue is still there')
})

t.test('in a full queue, the user with the most calls loses the last one to a user with fewer', async (t) => {
  const limiter = create({ maxWaiting: 4 })
  const release = await limiter.acquire('ada')
  const calls = ['clara', 'clara', 'clara', 'robert'].map((user) => limiter.acquire(user))
  await t.rejects(limiter.acquire('clara'), { code: 'server_busy' })
  t.equal(limiter.findRefusal('johannes'), undefined)
  const johannes = limiter.acquire('johannes')
  await t.rejects(calls.splice(2, 1)[0]!, { code: 'server_busy' })
  await t.rejects(
    limiter.acquire('robert'),
    { code: 'server_busy' },
    'it has no fewer calls than the others then'
  )
  t.equal(limiter.usage().waiting, 4)
  release()
  for (const acquired of [...calls, johannes]) acquired.then((next) => next())
  await Promise.all([...calls, johannes])
  t.strictSame(limiter.usage(), { places: 1, held: 0, waiting: 0 })
})

t.test('it tells beforehand whether a call would be refused', async (t) => {
  const limiter = create({ count: 2, perUser: 1, maxWaiting: 1 })
  const clara = await limiter.acquire('clara')
  t.equal(limiter.findRefusal('clara'), undefined, 'she may wait')
  const again = limiter.acquire('clara')
  t.match(limiter.findRefusal('clara'), { code: 'server_busy' })
  t.equal(limiter.findRefusal('robert'), undefined, 'a place is free for him')
  clara()
  ;(await again)()
})

t.test('aborting the signal leaves the queue', async (t) => {
  const limiter = create({})
  const release = await limiter.acquire('clara')
  const gone = new AbortController()
  const left = limiter.acquire('clara', gone.signal)
  const next = limiter.acquire('clara')
  gone.abort(new Error('gone'))
  await t.rejects(left, { message: 'gone' })
  release()
  t.ok(await next)
  await t.rejects(limiter.acquire('clara', gone.signal), { message: 'gone' })
})

t.test('no place is lost or given twice, whatever happens', async (t) => {
  const call = fc.record({
    user: fc.constantFrom('clara', 'robert', 'johannes'),
    workMs: fc.nat(3),
    abortMs: fc.option(fc.nat(3), { nil: undefined })
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 20 }), async (calls) => {
      const limiter = create({ count: 3, perUser: 2, maxWaiting: 8, waitMs: 2 })
      const running: string[] = []
      await Promise.all(
        calls.map(async ({ user, workMs, abortMs }) => {
          const signal = abortMs === undefined ? undefined : AbortSignal.timeout(abortMs)
          const release = await limiter.acquire(user, signal).catch(() => undefined)
          if (!release) return
          running.push(user)
          t.ok(running.length <= 3 && running.filter((name) => name === user).length <= 2)
          await sleep(workMs)
          running.splice(running.indexOf(user), 1)
          release()
        })
      )
      const all = ['clara', 'clara', 'robert'].map((user) => limiter.acquire(user))
      for (const release of await Promise.all(all)) release()
    }),
    { numRuns: runsOf(20) }
  )
})
