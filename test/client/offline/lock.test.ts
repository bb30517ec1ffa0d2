import t from 'tap'
import { IDBFactory } from 'fake-indexeddb'
import { createLock } from '../../../src/client/offline/lock.ts'

t.test('leases, where the browser has no locks', async (t) => {
  const indexedDB = new IDBFactory()
  let now = 0
  const clock = {
    now: () => new Date(now),
    sleep: async (milliseconds: number) => {
      now += milliseconds
    }
  }
  const [one, two] = [1, 2].map(() => createLock('test', { locks: undefined, indexedDB, clock }))

  await t.test('let one work at a time', async (t) => {
    const events: string[] = []
    const work = (name: string) => async () => {
      events.push(`${name} begins`)
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
      events.push(`${name} ends`)
    }
    // A clock that stands still, or the waiting one would soon believe the other to be dead.
    const still = {
      now: () => new Date(0),
      sleep: () =>
        new Promise<void>((resolve) => {
          setTimeout(resolve, 2)
        })
    }
    const locks = ['a', 'b', 'c'].map((name) => ({
      name,
      lock: createLock('still', { locks: undefined, indexedDB, clock: still })
    }))
    await Promise.all(locks.map(({ name, lock }) => lock(work(name))))
    t.equal(events.length, 6)
    for (let index = 0; index < 6; index += 2) {
      t.equal(events[index + 1], events[index]?.replace('begins', 'ends'))
    }
  })

  await t.test('are given back after a failure', async (t) => {
    await t.rejects(
      one?.(async () => {
        throw new Error('failed')
      }) ?? Promise.resolve(),
      { message: 'failed' }
    )
    t.equal(await two?.(async () => 'mine'), 'mine')
    t.equal(now, 0)
  })

  await t.test('of a tab that died end by themselves', async (t) => {
    let revive = () => {}
    const dead = one?.(
      () =>
        new Promise<void>((resolve) => {
          revive = resolve
        })
    )
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
    t.equal(await two?.(async () => 'mine'), 'mine')
    t.ok(now >= 30_000)
    revive()
    await dead
  })
})
