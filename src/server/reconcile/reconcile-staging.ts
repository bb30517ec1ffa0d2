import { cannotBeCompleted } from './cannot-be-completed.ts'
import type { Reconciliation } from './reconciliation.ts'
import { walkBucket } from '../storage/walk-bucket.ts'

/** Reports, and removes, uploads to staging that can no longer be completed. No session refers to them. */
export async function reconcileStaging({
  database,
  storage: { staging },
  minAgeMs,
  uploadLifeMs,
  remove,
  signal,
  report
}: Reconciliation): Promise<void> {
  const ageMs = Math.max(minAgeMs, uploadLifeMs)
  await walkBucket(staging, {
    depth: 2,
    visit: async (entry) => {
      signal?.throwIfAborted()
      if (!(await cannotBeCompleted(database.queries, entry, ageMs))) return false
      const { key } = entry
      if (remove) await staging.remove([key])
      report({ kind: 'unfinished', key, removed: remove })
      return remove
    }
  })
}
