import { createLeases } from '../sessions/leases/leases.ts'
import { compareWithTable } from './compare-with-table.ts'
import { inspectStaging } from './inspect-staging.ts'
import type { Finding, ReconciliationOptions } from './reconciliation.ts'

export type { Finding }

const TWO_HOURS_MS = 7_200_000

/**
 * Compares the buckets with the table. Reports objects that no session refers to (left by a save that died),
 * sessions whose object is missing, objects with a key of another form, and uploads to staging that were
 * never completed.
 *
 * Safe beside a running server. A leftover is removed only under the lease of its session id, stolen from any
 * holder that has held it for longer than `minAgeMs`. If that save is still alive, it can no longer commit.
 */
export async function reconcileRecordings(options: ReconciliationOptions): Promise<void> {
  const { database, minAgeMs, remove, uploadLifeMs = TWO_HOURS_MS, onUser = () => {} } = options
  // A lease that cannot be ended expires after a minute, so there is nothing to report.
  const leases = createLeases(database.queries, { leaseMs: 60_000, waitMs: 0, log: { warn: () => {} } })
  const reconciliation = { ...options, uploadLifeMs, onUser, leases }
  await compareWithTable(reconciliation)
  await inspectStaging(reconciliation)
  if (remove) await leases.deleteExpired(minAgeMs)
}
