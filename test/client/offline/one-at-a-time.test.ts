import t from 'tap'
import { oneAtATime } from '../../../src/client/offline/one-at-a-time.ts'

t.test('oneAtATime', async (t) => {
  await t.test('runs the work once at a time, and once more for all calls during a run', async (t) => {
    let [runs, running] = [0, 0]
    const work = oneAtATime(async () => {
      t.equal(++running, 1, 'no other run is active')
      const run = ++runs
      await new Promise((resolve) => {
        setTimeout(resolve, 5)
      })
      running--
      return run
    })
    t.strictSame(await Promise.all([work(), work(), work()]), [1, 2, 2])
    t.equal(await work(), 3)
  })

  await t.test('never runs twice at once, also when called between two runs', async (t) => {
    // Tries every number of microtasks between the end of one run and the start of the next.
    for (let gap = 0; gap < 12; gap++) {
      let [running, most] = [0, 0]
      const work = oneAtATime(async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => {
          setTimeout(resolve, 2)
        }).then(() => {
          queueMicrotask(() => call(gap))
        })
        running--
      })
      const calls = [work(), work()]
      const call = async (left: number): Promise<void> => {
        if (left > 0) return await Promise.resolve().then(() => call(left - 1))
        if (calls.length < 4) calls.push(work())
      }
      for (let index = 0; index < calls.length; index++) await calls[index]
      t.equal(most, 1, `called ${gap} microtasks after the run`)
    }
  })

  await t.test('runs again after a failed run', async (t) => {
    let runs = 0
    const work = oneAtATime(async () => {
      if (++runs === 1) throw new Error('failed')
    })
    const [first, second] = [work(), work()]
    await t.rejects(first, { message: 'failed' })
    await second
    t.equal(runs, 2)
  })
})
