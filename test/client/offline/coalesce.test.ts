import t from 'tap'
import { coalesce } from '../../../src/client/offline/coalesce.ts'

t.test('coalesced work', async (t) => {
  await t.test('runs once at a time, and once more for all who asked meanwhile', async (t) => {
    let [runs, running] = [0, 0]
    const work = coalesce(async () => {
      t.equal(++running, 1, 'alone')
      const mine = ++runs
      await new Promise((resolve) => {
        setTimeout(resolve, 5)
      })
      running--
      return mine
    })
    t.strictSame(await Promise.all([work(), work(), work()]), [1, 2, 2])
    t.equal(await work(), 3)
  })

  await t.test('never runs beside itself, also when asked between two runs', async (t) => {
    // After every number of microtasks that there can be between the end of one run and the begin of the next.
    for (let gap = 0; gap < 12; gap++) {
      let [running, most] = [0, 0]
      const work = coalesce(async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => {
          setTimeout(resolve, 2)
        }).then(() => {
          queueMicrotask(() => ask(gap))
        })
        running--
      })
      const asked = [work(), work()]
      const ask = async (left: number): Promise<void> => {
        if (left > 0) return await Promise.resolve().then(() => ask(left - 1))
        if (asked.length < 4) asked.push(work())
      }
      for (let index = 0; index < asked.length; index++) await asked[index]
      t.equal(most, 1, `${gap} microtasks after`)
    }
  })

  await t.test('runs again after a failure', async (t) => {
    let runs = 0
    const work = coalesce(async () => {
      if (++runs === 1) throw new Error('failed')
    })
    const [first, second] = [work(), work()]
    await t.rejects(first, { message: 'failed' })
    await second
    t.equal(runs, 2)
  })
})
