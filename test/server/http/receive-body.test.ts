import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { receive } from '../../../src/server/http/receive-body.ts'

const MINUTE = 60_000

/** Begins to receive a body of which a thousand bytes a second are wanted after a minute; time passes as the test says. */
function start(t: Test, write: (clock: { now: number }) => Promise<void> | undefined = () => undefined) {
  const clock = { now: 5 * MINUTE }
  t.intercept(performance, 'now', { value: () => clock.now })
  const body = new PassThrough()
  const received = receive(body, {
    limit: 1e6,
    stallMs: MINUTE,
    leastRate: { bytesPerSecond: 1000, afterMs: MINUTE },
    write: () => write(clock)
  })
  received.catch(() => {})
  const send = async (bytes: number) => {
    body.write(Buffer.alloc(bytes))
    await setImmediate()
  }
  return { clock, body, received, send }
}

t.test('a body that comes too slowly on average is refused, though it never stands still', async (t) => {
  const { clock, body, received, send } = start(t)
  for (let sent = 0; sent < 61; sent++) {
    await send(900)
    clock.now += 1000
  }
  body.end(Buffer.alloc(900))
  await t.rejects(received, { code: 'upload_stalled', statusCode: 408 })
})

t.test('a body may begin slowly, pause, and be as slow as the least rate', async (t) => {
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

t.test('time for which it was not let in does not count', async (t) => {
  const { body, received } = start(t, async (clock) => {
    await setImmediate()
    clock.now += MINUTE
  })
  for (const bytes of [1000, 1000, 1000]) body.write(Buffer.alloc(bytes))
  body.end()
  await t.resolves(received)
})
