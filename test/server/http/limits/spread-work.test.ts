import { setImmediate, setTimeout } from 'node:timers/promises'
import t from 'tap'
import { createSpread } from '../../../../src/server/http/limits/spread-work.ts'

t.test('does some of the work in each turn of the event loop, in order', async (t) => {
  const done: number[] = []
  const spread = createSpread(3)
  const expected = Array.from({ length: 8 }, (_, index) => index)
  for (const index of expected) spread(() => done.push(index))
  t.strictSame(done, [], 'none at once')
  for (const count of [3, 6, 8]) {
    await setImmediate()
    t.strictSame(done, expected.slice(0, count))
  }
})

t.test('work may add work, and comes later than work that was there before', async (t) => {
  const done: string[] = []
  const spread = createSpread(2)
  spread(() => {
    done.push('first')
    spread(() => done.push('third'))
  })
  spread(() => done.push('second'))
  while (done.length < 3) await setImmediate()
  t.strictSame(done, ['first', 'second', 'third'])
  spread(() => done.push('fourth'))
  while (done.length < 4) await setImmediate()
})

t.test('pauses before each group of tasks if it is given a pause', async (t) => {
  const pauseMs = 20
  const start = performance.now()
  const doneAt: number[] = []
  const spread = createSpread(2, pauseMs)
  for (let count = 0; count < 5; count++) spread(() => doneAt.push(performance.now() - start))
  await setImmediate()
  t.strictSame(doneAt, [], 'none in the next turn')
  while (doneAt.length < 5) await setTimeout(1)
  doneAt.forEach((ms, index) => {
    const pauses = Math.floor(index / 2) + 1
    t.ok(ms > pauses * (pauseMs - 2), `task ${index} comes after ${pauses} pauses`) // timers may be a millisecond early
  })
})
