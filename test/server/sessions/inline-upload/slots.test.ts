import t from 'tap'
import { createSlots } from '../../../../src/server/sessions/inline-upload/slots.ts'

const LONG_MS = 60_000

t.test('so many at a time, the others in the order in which they came', async (t) => {
  const slots = createSlots({ count: 2, waitMs: LONG_MS })
  const order: string[] = []
  const first = await slots.acquire()
  const second = await slots.acquire()
  const waiting = ['third', 'fourth'].map((name) => slots.acquire().then((release) => { order.push(name); return release }))
  await new Promise(setImmediate)
  t.strictSame(order, [])
  first()
  first() // gives back one slot only
  const third = await waiting[0]
  await new Promise(setImmediate)
  t.strictSame(order, ['third'])
  second()
  const fourth = await waiting[1]
  t.strictSame(order, ['third', 'fourth'])
  third?.()
  fourth?.()
  await Promise.all([slots.acquire(), slots.acquire()])
})

t.test('who has waited too long is told that the server is busy', async (t) => {
  const slots = createSlots({ count: 1, waitMs: 5 })
  const release = await slots.acquire()
  await t.rejects(slots.acquire(), { code: 'server_busy', statusCode: 503, retryAfter: 5 })
  release()
  t.ok(await slots.acquire(), 'and has taken nothing')
})

t.test('who goes away gives up the place in line', async (t) => {
  const slots = createSlots({ count: 1, waitMs: LONG_MS })
  const release = await slots.acquire()
  const gone = new AbortController()
  const left = slots.acquire(gone.signal)
  const next = slots.acquire()
  gone.abort(new Error('gone'))
  await t.rejects(left, { message: 'gone' })
  release()
  t.ok(await next)
  await t.rejects(slots.acquire(gone.signal), { message: 'gone' })
})
