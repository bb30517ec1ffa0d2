import type { Reconciliation } from './reconciliation.ts'
import { isReferredTo, type RecordedSession } from './recorded-sessions.ts'

type Options = Pick<Reconciliation, 'database' | 'storage' | 'leases' | 'minAgeMs' | 'remove' | 'report'>

/**
 * Reports an object that no session refers to, and removes it if `remove` is set.
 * @returns whether it was removed
 */
export async function reconcileObject(reconciliation: Options, object: RecordedSession): Promise<boolean> {
  const { database, storage, remove, report } = reconciliation
  const { key } = object
  if ((await isReferredTo(database.queries, object)) || !(await storage.exists(key))) return false
  if (remove && !(await removeLeftover(reconciliation, object))) return false
  report({ kind: 'leftover', key, removed: remove })
  return remove
}

/** @returns false when the object is in use after all */
async function removeLeftover(
  { database, storage, leases, minAgeMs }: Options,
  object: RecordedSession
): Promise<boolean> {
  const removed = await leases.withStolenLease(object, minAgeMs, async (lease) => {
    // Check again: the save that held the lease may have committed before it was stolen.
    if (await isReferredTo(database.queries, object)) return false
    await leases.write(lease, () => storage.remove([object.key]))
    return true
  })
  return removed === true
}
