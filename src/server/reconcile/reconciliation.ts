import type { Database } from '../database/client.ts'
import type { Leases } from '../sessions/leases/leases.ts'
import type { Storage } from '../storage/storage.ts'

/** Options of `reconcileRecordings`. */
export type ReconciliationOptions = {
  database: Database
  storage: Storage
  /**
   * Only objects and leases older than this are inspected, in milliseconds: younger ones may belong to a
   * running save.
   */
  minAgeMs: number
  /** Remove leftovers; otherwise they are only reported. */
  remove: boolean
  /**
   * Younger uploads to staging are skipped, in milliseconds. Default: two hours, as long as an upload URL is
   * valid.
   */
  uploadLifeMs?: number
  /** Users with a smaller id are skipped, except in staging. */
  from?: string | undefined
  /** Stops the run between two objects; it then rejects with the signal's reason. */
  signal?: AbortSignal
  report: (finding: Finding) => void
  /** Called with each user whose recordings are inspected next; users with smaller ids are done. */
  onUser?: (userId: string) => void
}

/**
 * A mismatch. `leftover`: a recording without a session. `unfinished`: an upload that can no longer be completed.
 * `missing`: a session without its recording. `foreign`: an object whose key is not that of a recording.
 */
export type Finding =
  | { kind: 'leftover'; key: string; removed: boolean }
  | { kind: 'unfinished'; key: string; removed: boolean }
  | { kind: 'missing'; sessionId: string; key: string }
  | { kind: 'foreign'; key: string }

/** The options with their defaults, and the leases under which leftovers are removed. */
export type Reconciliation = Omit<Required<ReconciliationOptions>, 'from' | 'signal'> &
  Pick<ReconciliationOptions, 'from' | 'signal'> & { leases: Leases }
