import type { FastifyBaseLogger } from 'fastify'
import type { Queries } from '../../database/client.ts'
import { acquireLease, newLease } from './acquire-lease.ts'
import { withHeartbeat } from './heartbeat.ts'
import { createLeaseRepository, deleteExpiredLeases, deleteLease, type Purpose } from './lease-repository.ts'
import type { Lease } from './lease.ts'
import { runUnderLease } from './run-under-lease.ts'

type Options = {
  /** Milliseconds after which a holder that has not renewed its lease counts as dead. */
  leaseMs: number
  /** Milliseconds for which a request waits for an earlier one. */
  waitMs: number
  log: Pick<FastifyBaseLogger, 'warn'>
}

export type Leases = ReturnType<typeof createLeases>

/**
 * Leases on session ids, in the table `session_leases` (docs/decisions/0001-leases.md). They keep two saves,
 * or a save and a deletion, from working on the same object, with no transaction or connection held while
 * bytes travel. Only a dead holder loses its lease. A holder that was merely slow finds out in its committing
 * transaction, where `consume` compares the fencing token.
 */
export function createLeases(queries: Queries, { leaseMs, waitMs, log }: Options) {
  const repository = createLeaseRepository(queries, leaseMs)
  const heartbeat = { repository, leaseMs }

  return {
    /**
     * Runs `work` under a lease of the session id, and ends the lease afterwards unless the work has consumed
     * it.
     * @throws {ApiError} id_reused at once when other content is being saved; session_busy when an earlier
     * request holds the lease for longer than `waitMs`
     */
    async withLease<T>(purpose: Purpose, work: (lease: Lease) => Promise<T>): Promise<T> {
      const lease = await acquireLease({ repository, leaseMs, waitMs }, purpose)
      return runUnderLease({ queries, log }, lease, work)
    },

    /**
     * Takes the lease from any holder, alive or dead, that has held it for longer than `minAgeMs`, and runs
     * `work` under it. A holder that is still alive can then no longer commit.
     * @returns 'in use', without running `work`, when the lease is younger
     */
    async withStolenLease<T>(
      { sessionId, userId }: Pick<Purpose, 'sessionId' | 'userId'>,
      minAgeMs: number,
      work: (lease: Lease) => Promise<T>
    ): Promise<T | 'in use'> {
      const lease = newLease(sessionId, leaseMs)
      const isStolen = await repository.steal({ userId, minAgeMs, ...lease })
      // Without a row there is no such user, and so no save that could be in flight: nothing had to be
      // stolen.
      if (!isStolen && (await repository.find(sessionId))) return 'in use'
      return runUnderLease({ queries, log }, lease, work)
    },

    /**
     * Runs `work` and renews the lease meanwhile. `signal` aborts when the lease is lost.
     * @throws {ApiError} session_busy when the lease may have expired before the work begins
     */
    withHeartbeat: <T>(lease: Lease, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
      withHeartbeat(heartbeat, lease, work),

    /**
     * As `withHeartbeat`, for work that writes to the bucket, so that a failure leaves in doubt what is
     * there.
     */
    write: <T>(lease: Lease, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
      withHeartbeat(heartbeat, lease, (signal) => {
        lease.hasWritten = true
        return work(signal)
      }),

    /**
     * Removes what this request, or an earlier one of the same purpose, has written. The token is rotated
     * first: that waits for a transaction in doubt, and bars it from consuming the lease later. If the
     * outcome of the removal is unknown, the lease is kept until it expires: a late removal would hit the
     * object of a repeated request.
     * @returns false, without removing anything, when the lease was consumed or lost
     */
    async undoWrite(lease: Lease, remove: () => Promise<void>): Promise<boolean> {
      const { fencingToken, validUntil } = newLease(lease.sessionId, leaseMs)
      if (!(await repository.rotateToken(lease, fencingToken))) return false
      Object.assign(lease, { fencingToken, validUntil })
      await withHeartbeat(heartbeat, lease, remove).catch((error) => {
        lease.isKept = true
        throw error
      })
      return true
    },

    /** Ends a lease that was kept, when nothing of its request can reach the bucket any more. */
    async release(lease: Lease): Promise<void> {
      await deleteLease(queries, lease)
    },

    /** Deletes the leases that dead holders have left. @returns how many */
    deleteExpired: (minAgeMs: number): Promise<number> => deleteExpiredLeases(queries, minAgeMs)
  }
}
