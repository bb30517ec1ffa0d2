import type { Reconciliation } from './reconciliation.ts'
import { walkBucket } from './walk-bucket.ts'

/** Reports, and removes, uploads to staging that can no longer be completed. No session refers to them. */
export async function inspectStaging({
  storage: { staging },
  minAgeMs,
  uploadLifeMs,
  remove,
  signal,
  report
}: Reconciliation): Promise<void> {
  await walkBucket(staging, {
    depth: 2,
    visit: async ({ key, modifiedAt }) => {
      signal?.throwIfAborted()
      if (modifiedAt.getTime() > Date.now() - Math.max(minAgeMs, uploadLifeMs)) return false
      if (remove) await staging.remove([key])
      report({ kind: 'unfinished', key, removed: remove })
      return remove
    }
  })
}
