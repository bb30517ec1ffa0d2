import type { Clock } from '../clock.ts'
import { openDatabase, promised } from '../indexed-db.ts'

/** Waits for the lock of this name, which all tabs share, and holds it while `work` runs. */
export type Lock = <T>(work: () => Promise<T>) => Promise<T>

/**
 * A lock on the Web Locks API. That API needs a secure context; on plain http a lease in IndexedDB replaces
 * it.
 */
export function createLock(
  name: string,
  {
    locks,
    indexedDB,
    clock
  }: { locks: LockManager | undefined; indexedDB: IDBFactory | undefined; clock: Clock }
): Lock {
  return locks ? async (work) => await locks.request(name, work) : createLease(name, indexedDB, clock)
}

// Long enough for a background tab with throttled timers, short enough to wait for after a crash. If a lease
// expires too early, two tabs send the same session, which is harmless because of its id.
const LEASE_MS = 30_000
const RENEWAL_MS = 5_000
const POLL_MS = 200

type Lease = { owner: string; until: number }

function createLease(name: string, factory: IDBFactory | undefined, clock: Clock): Lock {
  const transact = openDatabase(factory, `${name}:lease`, { leases: {} })

  /** Acquires or renews the lease; false while another owner holds it. */
  const acquire = (owner: string) =>
    transact('readwrite', async (store) => {
      const now = clock.now().getTime()
      const held = await promised<Lease | undefined>(store('leases').get('lease'))
      if (held && held.owner !== owner && held.until > now) return false
      await promised(store('leases').put({ owner, until: now + LEASE_MS }, 'lease'))
      return true
    })

  const release = (owner: string) =>
    transact('readwrite', async (store) => {
      const held = await promised<Lease | undefined>(store('leases').get('lease'))
      if (held?.owner === owner) await promised(store('leases').delete('lease'))
    })

  return async (work) => {
    const owner = String(Math.random())
    while (!(await acquire(owner))) await clock.sleep(POLL_MS)
    const renewal = setInterval(() => {
      acquire(owner).catch(() => {})
    }, RENEWAL_MS)
    try {
      return await work()
    } finally {
      clearInterval(renewal)
      await release(owner)
    }
  }
}
