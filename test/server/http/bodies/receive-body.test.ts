import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { collectBody, receiveBody } from '../../../../src/server/http/bodies/receive-body.ts'

const MINUTE = 60_000
const RATE = { bytesPerSecond: 1000, afterMs: MINUTE }

/** Starts to receive a body that must average a thousand bytes a second after a minute; the test sets the clock. */
function start(t: Test, take: (clock: { now: number }) => Promise<void> | undefined = () => undefined) {
  const clock = { now: 5 * MINUTE }
  t.intercept(performance, 'now', { value: () => clock.now })
  const body = new PassThrough()
  const pieces = receiveBody(body, {
    limit: 1e6,
    stallMs: MINUTE,
    minRate: RATE
  })
  const received = (async () => {
    for await (const piece of pieces) if (piece.length > 0) await take(clock)
  })()
  received.catch(() => {})
  const send = async (bytes: number) => {
    body.write(Buffer.alloc(bytes))
    await setImmediate()
  }
  return { clock, body, received, send }
}

t.test('a body with too low an average rate is refused, although it never stalls', async (t) => {
  const { clock, body, received, send } = start(t)
  for (let sent = 0; sent < 61; sent++) {
    await send(900)
    clock.now += 1000
  }
  await t.rejects(received, { code: 'upload_stalled', statusCode: 408 })
  body.destroy()
})

t.test('a body that is complete is not refused, however late it arrives', async (t) => {
  const { clock, body, received } = start(t)
  const small = new PassThrough()
  const collected = collectBody(small, { stallMs: MINUTE, minRate: RATE })
  clock.now += 5 * MINUTE
  for (const late of [body, small]) late.end(Buffer.alloc(300))
  await t.resolves(received)
  t.equal((await collected).length, 300)
})

t.test('a body may start slowly, pause, and be as slow as the minimum rate', async (t) => {
  const { clock, body, received, send } = start(t)
  clock.now += MINUTE / 2
  await send(1)
  await send(100_000)
  clock.now += MINUTE
  await send(1)
  clock.now += 10_000
  body.end(Buffer.alloc(1))
  await t.resolves(received)
})

t.test('a body that stops is refused as soon as its average is too low', async (t) => {
  const body = new PassThrough()
  const minRate = { bytesPerSecond: 10_000, afterMs: 50 }
  const pieces = receiveBody(body, { limit: 1e6, stallMs: MINUTE, minRate })
  const start = performance.now()
  body.write(Buffer.alloc(1000)) // a tenth of a second
  await pieces.next()
  await t.rejects(pieces.next(), { code: 'upload_stalled', statusCode: 408 })
  t.ok(performance.now() - start >= 90, 'not before')
})

t.test('time in which the server does not read the body does not count', async (t) => {
  const { body, received } = start(t, async (clock) => {
    await setImmediate()
    clock.now += MINUTE
  })
  for (const bytes of [1000, 1000, 1000]) body.write(Buffer.alloc(bytes))
  body.end()
  await t.resolves(received)
})

t.test(
  'if the consumer stops early, the rest of the body is read before its error is reported',
  async (t) => {
    const { body, received } = start(t, async () => {
      throw new Error('refused')
    })
    for (const bytes of [1000, 1000, 100_000]) body.write(Buffer.alloc(bytes))
    let isReported = false
    received.catch(() => {
      isReported = true
    })
    await setImmediate()
    await setImmediate()
    t.notOk(isReported)
    body.end(Buffer.alloc(1000))
    await t.rejects(received, { message: 'refused' })
    t.ok(body.readableEnded)
  }
)

t.test('a small body is collected as a whole, whatever its pieces', async (t) => {
  for (const pieces of [[], ['a'], ['a', 'bc', ''], ['', 'x'.repeat(60_000), 'y']]) {
    const body = new PassThrough()
    const collected = collectBody(body, { stallMs: MINUTE })
    for (const piece of pieces) body.write(piece)
    body.end()
    t.equal(String(await collected), pieces.join(''))
  }
})

t.test('a small body that stalls is refused', async (t) => {
  const body = new PassThrough()
  body.write('a')
  await t.rejects(collectBody(body, { stallMs: 5 }), { code: 'upload_stalled', statusCode: 408 })
})

t.test('a small body with too low an average rate is refused, although it never stalls', async (t) => {
  const clock = { now: 0 }
  t.intercept(performance, 'now', { value: () => clock.now })
  const body = new PassThrough()
  const collected = collectBody(body, { stallMs: MINUTE, minRate: RATE })
  collected.catch(() => {})
  for (let sent = 0; sent < 61; sent++) {
    clock.now += 1000
    body.write(Buffer.alloc(900))
    await setImmediate()
  }
  await t.rejects(collected, { code: 'upload_stalled' })
})

t.test('a small body whose client leaves is refused, before and while it arrives', async (t) => {
  const arriving = new PassThrough()
  const collected = collectBody(arriving, { stallMs: MINUTE })
  arriving.write('a')
  arriving.destroy()
  await t.rejects(collected, { code: 'malformed_body' })
  await t.rejects(collectBody(arriving, { stallMs: MINUTE }), { code: 'malformed_body' })
})

t.test('a body is ended by its signal, and its rest may stay unread', async (t) => {
  const body = new PassThrough()
  const end = new AbortController()
  const pieces = receiveBody(body, { limit: 1e6, stallMs: MINUTE, signal: end.signal, skipsRest: true })
  body.write('a')
  t.equal(String((await pieces.next()).value), 'a')
  end.abort(new Error('too late'))
  body.write('b')
  await t.rejects(pieces.next(), { message: 'too late' })
  t.notOk(body.destroyed, 'the answer needs the connection')
})

t.test('a consumer that stops early need not wait for the rest', async (t) => {
  const body = new PassThrough()
  body.write('a')
  const pieces = receiveBody(body, { limit: 1e6, stallMs: MINUTE, skipsRest: true })
  t.equal(String((await pieces.next()).value), 'a')
  await pieces.return(undefined)
  t.notOk(body.readableEnded)
})
