import t from 'tap'
import { createUploadLimiter } from '../../../src/server/http/upload-limiter.ts'

const LONG_MS = 60_000

/** Collects the names of those that have entered. */
function follow(entering: Record<string, Promise<unknown>>) {
  const entered: string[] = []
  for (const [name, acquired] of Object.entries(entering)) acquired.then(() => entered.push(name))
  return async () => {
    await new Promise(setImmediate)
    return entered
  }
}

t.test(
  'only `count` uploads enter at a time, and the others enter in the order of their calls',
  async (t) => {
    const limiter = createUploadLimiter({ count: 2, waitMs: LONG_MS })
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
  }
)

t.test('one user holds at most a quarter, rounded up, and does not block others while waiting', async (t) => {
  const limiter = createUploadLimiter({ count: 5, waitMs: LONG_MS })
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

t.test('a free place goes to the first in the queue whose user holds less than a quarter', async (t) => {
  const limiter = createUploadLimiter({ count: 2, waitMs: LONG_MS })
  const [clara, robert] = [await limiter.acquire('clara'), await limiter.acquire('robert')]
  const entered = follow({ clara: limiter.acquire('clara'), johannes: limiter.acquire('johannes') })
  robert()
  t.strictSame(await entered(), ['johannes'])
  clara()
  t.strictSame(await entered(), ['johannes', 'clara'])
})

t.test('an upload that waits too long is refused with server_busy', async (t) => {
  const limiter = createUploadLimiter({ count: 1, waitMs: 5 })
  const release = await limiter.acquire('clara')
  await t.rejects(limiter.acquire('clara'), { code: 'server_busy', statusCode: 503, retryAfter: 5 })
  release()
  t.ok(await limiter.acquire('clara'), 'and has taken nothing')
})

t.test('aborting the signal leaves the queue', async (t) => {
  const limiter = createUploadLimiter({ count: 1, waitMs: LONG_MS })
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
