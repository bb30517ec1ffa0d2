import { ApiError } from '../../errors.ts'
import type { Queries } from '../../database/client.ts'
import { abandonLease, deleteLease, lockLease, type LeaseKey } from './lease-repository.ts'

/** The right to write the objects of one session id in the bucket. `withLease` passes it to its work. */
export type Lease = LeaseKey & {
  /** Conservative local expiry (milliseconds since the epoch), measured before the query was sent. */
  validUntil: number
  /** Taken over from a request that abandoned it: that request's writes may still reach the bucket. */
  readonly isInherited: boolean
  /** Writes to the bucket have begun under this lease. */
  hasWritten: boolean
  /** A transaction has ended the lease: deleted it, or cleared its token. `withLease` leaves it alone. */
  isConsumed: boolean
  /**
   * `withLease` does not end the lease, whether its work succeeds or fails. `release` ends it, or it expires.
   */
  isKept: boolean
}

/**
 * Locks the lease inside a transaction, so that it stays held until the transaction ends.
 * @throws {ApiError} session_busy when the lease was lost
 */
export async function confirmLease(queries: Queries, lease: Lease): Promise<void> {
  if (!(await lockLease(queries, lease))) throw leaseLost()
}

/**
 * Ends the lease inside the committing transaction. A request that lost its lease cannot commit.
 * @throws {ApiError} session_busy when the lease was lost
 */
export async function consumeLease(queries: Queries, lease: Lease): Promise<void> {
  if (!(await deleteLease(queries, lease))) throw leaseLost()
  lease.isConsumed = true
}

/**
 * As `consumeLease`, for a deletion. If the lease is inherited, a removal that an earlier request sent may still
 * take effect. The id then stays reserved until the lease expires, so that this removal cannot delete the
 * object of a later save.
 * @throws {ApiError} session_busy when the lease was lost
 */
export async function consumeLeaseForDeletion(queries: Queries, lease: Lease): Promise<void> {
  if (!lease.isInherited) return consumeLease(queries, lease)
  if (!(await abandonLease(queries, lease))) throw leaseLost()
  lease.isConsumed = true
}

/** Whether the lease may have expired, by the local clock. */
export const hasExpired = ({ validUntil }: Lease) => Date.now() >= validUntil

/** The error of a request that lost its lease. */
export const leaseLost = () =>
  new ApiError('session_busy', 'The request took too long and lost its reservation of the session. Retry.', {
    reason: 'lease_lost'
  })
