import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { receiveBody } from '../../../../src/server/http/bodies/receive-body.ts'

const MINUTE = 60_000

/** Starts to receive a body that must average a thousand bytes a second after a minute; the test sets the clock. */
function start(t: Test, take: (clock: { now: number }) => Promise<void> | undefined = () => undefined) {
  const clock = { now: 5 * MINUTE }
  t.intercept(performance, 'now', { value: () => clock.now })
  const body = new PassThrough()
  const pieces = receiveBody(body, {
    limit: 1e6,
    stallMs: MINUTE,
    minRate: { bytesPerSecond: 1000, afterMs: MINUTE }
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
  body.end(Buffer.alloc(900))
  await t.rejects(received, { code: 'upload_stalled', statusCode: 408 })
})

t.test('a body may start slowly, pause, and be as slow as the minimum rate', async (t) => {
  const { clock, body, received, send } = start(t)
  clock.now += MINUTE
  await send(1)
  await send(100_000)
  clock.now += MINUTE / 2
  await send(1)
  clock.now += 10_000
  body.end(Buffer.alloc(1))
  await t.resolves(received)
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
