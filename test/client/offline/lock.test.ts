import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { createLock } from '../../../src/client/offline/lock.ts'

t.test('leases, without the Web Locks API', async (t) => {
  const indexedDB = new IDBFactory()
  let now = 0
  const clock = {
    now: () => new Date(now),
    sleep: async (milliseconds: number) => {
      now += milliseconds
    }
  }
  const [one, two] = [1, 2].map(() => createLock('test', { locks: undefined, indexedDB, clock }))

  await t.test('run one function at a time', async (t) => {
    const events: string[] = []
    const work = (name: string) => async () => {
      events.push(`${name} begins`)
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
      events.push(`${name} ends`)
    }
    // A stopped clock: with a running one, the waiting owner would soon see the lease expire.
    const stoppedClock = {
      now: () => new Date(0),
      sleep: () =>
        new Promise<void>((resolve) => {
          setTimeout(resolve, 2)
        })
    }
    const locks = ['a', 'b', 'c'].map((name) => ({
      name,
      lock: createLock('stopped', { locks: undefined, indexedDB, clock: stoppedClock })
    }))
    await Promise.all(locks.map(({ name, lock }) => lock(work(name))))
    t.equal(events.length, 6)
    for (let index = 0; index < 6; index += 2) {
      t.equal(events[index + 1], events[index]?.replace('begins', 'ends'))
    }
  })

  await t.test('are released after a failure', async (t) => {
    await t.rejects(
      one?.(async () => {
        throw new Error('failed')
      }) ?? Promise.resolve(),
      { message: 'failed' }
    )
    t.equal(await two?.(async () => 'mine'), 'mine')
    t.equal(now, 0)
  })

  await t.test('of a crashed tab expire', async (t) => {
    let finish = () => {}
    const crashed = one?.(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        })
    )
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
    t.equal(await two?.(async () => 'mine'), 'mine')
    t.ok(now >= 30_000)
    finish()
    await crashed
  })
})
