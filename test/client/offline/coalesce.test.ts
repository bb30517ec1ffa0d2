import t from 'tap'
import { coalesce } from '../../../src/client/offline/coalesce.ts'

t.test('coalesced work', async t => {
  await t.test('runs once at a time, and once more for all who asked meanwhile', async t => {
    let [runs, running] = [0, 0]
    const work = coalesce(async () => {
      t.equal(++running, 1, 'alone')
      const mine = ++runs
      await new Promise(resolve => { setTimeout(resolve, 5) })
      running--
      return mine
    })
    t.strictSame(await Promise.all([work(), work(), work()]), [1, 2, 2])
    t.equal(await work(), 3)
  })

  await t.test('never runs beside itself, whenever somebody asks', async t => {
    let [running, most] = [0, 0]
    const work = coalesce(async () => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
    })
    // Asked again after every number of microtasks there can be between two runs.
    const asked: Promise<void>[] = []
    for (let ticks = 0; ticks < 30; ticks++) {
      asked.push(work())
      for (let tick = 0; tick < ticks % 10; tick++) await Promise.resolve()
    }
    await Promise.all(asked)
    t.equal(most, 1)
  })

  await t.test('runs again after a failure', async t => {
    let runs = 0
    const work = coalesce(async () => { if (++runs === 1) throw new Error('failed') })
    const [first, second] = [work(), work()]
    await t.rejects(first, { message: 'failed' })
    await second
    t.equal(runs, 2)
  })
})
