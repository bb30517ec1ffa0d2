import t from 'tap'
import { createUploadLimiter } from '../../../src/server/http/upload-limiter.ts'

const LONG_MS = 60_000

/** Whoever of them has come in. */
function follow(entering: Record<string, Promise<unknown>>) {
  const entered: string[] = []
  for (const [name, acquired] of Object.entries(entering)) acquired.then(() => entered.push(name))
  return async () => {
    await new Promise(setImmediate)
    return entered
  }
}

t.test('so many at a time, the others in the order in which they came', async (t) => {
  const slots = createUploadLimiter({ count: 2, waitMs: LONG_MS })
  const first = await slots.acquire('first')
  const second = await slots.acquire('second')
  const [third, fourth] = [slots.acquire('third'), slots.acquire('fourth')]
  const entered = follow({ third, fourth })
  t.strictSame(await entered(), [])
  first()
  first() // gives back one slot only
  t.strictSame(await entered(), ['third'])
  second()
  t.strictSame(await entered(), ['third', 'fourth'])
  for (const release of await Promise.all([third, fourth])) release()
  await Promise.all([slots.acquire('first'), slots.acquire('second')])
})

t.test(
  'one user holds a quarter, rounded up, and waits for a slot of their own without keeping others out',
  async (t) => {
    const slots = createUploadLimiter({ count: 5, waitMs: LONG_MS })
    const [first] = [await slots.acquire('clara'), await slots.acquire('clara')]
    const [third, fourth] = [slots.acquire('clara'), slots.acquire('clara')]
    const entered = follow({ third, fourth })
    const robert = [await slots.acquire('robert'), await slots.acquire('robert')]
    t.strictSame(await entered(), [], 'though there is room for others')
    robert[0]?.()
    t.strictSame(await entered(), [])
    first()
    t.strictSame(await entered(), ['third'])
    ;(await third)()
    t.strictSame(await entered(), ['third', 'fourth'])
  }
)

t.test('a slot goes to the first in line whose share has room', async (t) => {
  const slots = createUploadLimiter({ count: 2, waitMs: LONG_MS })
  const [clara, robert] = [await slots.acquire('clara'), await slots.acquire('robert')]
  const entered = follow({ clara: slots.acquire('clara'), johannes: slots.acquire('johannes') })
  robert()
  t.strictSame(await entered(), ['johannes'])
  clara()
  t.strictSame(await entered(), ['johannes', 'clara'])
})

t.test('who has waited too long is told that the server is busy', async (t) => {
  const slots = createUploadLimiter({ count: 1, waitMs: 5 })
  const release = await slots.acquire('clara')
  await t.rejects(slots.acquire('clara'), { code: 'server_busy', statusCode: 503, retryAfter: 5 })
  release()
  t.ok(await slots.acquire('clara'), 'and has taken nothing')
})

t.test('who goes away gives up the place in line', async (t) => {
  const slots = createUploadLimiter({ count: 1, waitMs: LONG_MS })
  const release = await slots.acquire('clara')
  const gone = new AbortController()
  const left = slots.acquire('clara', gone.signal)
  const next = slots.acquire('clara')
  gone.abort(new Error('gone'))
  await t.rejects(left, { message: 'gone' })
  release()
  t.ok(await next)
  await t.rejects(slots.acquire('clara', gone.signal), { message: 'gone' })
})
