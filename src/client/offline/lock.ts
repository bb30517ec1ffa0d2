import type { Clock } from '../clock.ts'
import { openDatabase, promised } from '../database.ts'

/** Runs work while no other tab runs any under the same name; waits for its turn. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>

/** The browser's own locks, or leases where there are none: they need a secure context, which http in a LAN is not. */
export function createLock(
  name: string,
  { locks, indexedDB, clock }: { locks: LockManager | undefined; indexedDB: IDBFactory; clock: Clock }
): Lock {
  return locks ? async (work) => await locks.request(name, work) : createLease(name, indexedDB, clock)
}

// Long enough for a tab whose timers the browser slows down, short enough to wait for a tab that crashed. Should it
// ever be too short, two tabs send the same session, and its id makes that harmless.
const LEASE = 30_000
const RENEWAL = 5_000
const POLL = 200

type Lease = { owner: string; until: number }

function createLease(name: string, factory: IDBFactory, clock: Clock): Lock {
  const transact = openDatabase(factory, `${name}:lease`, { leases: {} })

  /** Takes or prolongs the lease; false while somebody else has it. */
  const take = (owner: string) =>
    transact('readwrite', async (store) => {
      const now = clock.now().getTime()
      const held = await promised<Lease | undefined>(store('leases').get('lease'))
      if (held && held.owner !== owner && held.until > now) return false
      await promised(store('leases').put({ owner, until: now + LEASE }, 'lease'))
      return true
    })

  const give = (owner: string) =>
    transact('readwrite', async (store) => {
      const held = await promised<Lease | undefined>(store('leases').get('lease'))
      if (held?.owner === owner) await promised(store('leases').delete('lease'))
    })

  return async (work) => {
    const owner = String(Math.random())
    while (!(await take(owner))) await clock.sleep(POLL)
    const renewal = setInterval(() => {
      take(owner).catch(() => {})
    }, RENEWAL)
    try {
      return await work()
    } finally {
      clearInterval(renewal)
      await give(owner)
    }
  }
}
