import { createLeases } from '../sessions/leases/leases.ts'
import { compareWithTable } from './compare-with-table.ts'
import { UPLOAD_URL_LIFE_MS } from '../config.ts'
import { reconcileStaging } from './reconcile-staging.ts'
import type { Finding, ReconciliationOptions } from './reconciliation.ts'

export type { Finding }

/**
 * Compares the buckets with the table. Reports recordings without a session (left by a save whose process
 * died), sessions whose recording is missing, objects that are not recordings, and uploads to staging that
 * can no longer be completed.
 *
 * Safe beside a running server. A leftover is removed only under the lease of its session id. A lease that is
 * older than `minAgeMs` is stolen for this: a save that still holds it can no longer commit.
 */
export async function reconcileRecordings(options: ReconciliationOptions): Promise<void> {
  const { database, minAgeMs, remove, uploadLifeMs = UPLOAD_URL_LIFE_MS, onUser = () => {} } = options
  // No warnings: a lease that cannot be ended expires after a minute.
  const leases = createLeases(database.queries, { leaseMs: 60_000, waitMs: 0, log: { warn: () => {} } })
  const reconciliation = { ...options, uploadLifeMs, onUser, leases }
  await compareWithTable(reconciliation)
  await reconcileStaging(reconciliation)
  if (remove) await leases.deleteExpired(minAgeMs)
}
