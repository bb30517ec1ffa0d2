import type { FastifyBaseLogger } from 'fastify'
import type { Queries } from '../../database/client.ts'
import { leaseAcquisitions, trace } from '../../diagnostics.ts'
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
 * Leases on session ids, in the table `session_leases` (docs/decisions/0001-leases.md). They prevent two
 * saves, or a save and a deletion, from working on the same object. No transaction or connection is held
 * while bytes are sent. A request that stops renewing its lease loses it. If the request is still alive, it
 * cannot commit, because the committing transaction compares the fencing token.
 */
export function createLeases(queries: Queries, { leaseMs, waitMs, log }: Options) {
  const repository = createLeaseRepository(queries, leaseMs)
  const heartbeat = { repository, leaseMs }

  return {
    /**
     * Runs `work` under a lease of the session id, and ends the lease afterwards unless the work has consumed
     * it or has set `isKept`.
     * @throws {ApiError} id_reused at once when other content is being saved; session_busy when an earlier
     * request holds the lease for longer than `waitMs`
     */
    async withLease<T>(purpose: Purpose, work: (lease: Lease) => Promise<T>): Promise<T> {
      const acquire = () => acquireLease({ repository, leaseMs, waitMs }, purpose)
      const lease = await trace(leaseAcquisitions, acquire, {})
      return runUnderLease({ queries, log }, lease, work)
    },

    /**
     * Steals a lease that is older than `minAgeMs`, and runs `work` under it. If the request that held it is
     * still alive, it can no longer commit.
     * @returns 'in use', without running `work`, if the lease is younger
     */
    async withStolenLease<T>(
      { sessionId, userId }: Pick<Purpose, 'sessionId' | 'userId'>,
      minAgeMs: number,
      work: (lease: Lease) => Promise<T>
    ): Promise<T | 'in use'> {
      const lease = newLease(sessionId, leaseMs)
      const isStolen = await repository.steal({ userId, minAgeMs, ...lease })
      // If the user does not exist, no save can be running: the work needs no lease.
      if (!isStolen && (await repository.hasUser(userId))) return 'in use'
      return runUnderLease({ queries, log }, lease, work)
    },

    /**
     * Runs `work` and renews the lease meanwhile. `signal` aborts when the lease is lost.
     * @throws {ApiError} session_busy when the lease may have expired before the work begins
     */
    withHeartbeat: <T>(lease: Lease, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
      withHeartbeat(heartbeat, lease, work),

    /**
     * As `withHeartbeat`, for work that writes to the bucket. If it fails, the write may still take effect.
     */
    write: <T>(lease: Lease, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
      withHeartbeat(heartbeat, lease, (signal) => {
        lease.hasWritten = true
        return work(signal)
      }),

    /**
     * Removes what this request, or an earlier one of the same purpose, has written. It rotates the token
     * first. This waits for a commit whose outcome is unknown, and prevents it from consuming the lease
     * later. If the outcome of the removal is unknown, the lease is kept until it expires, because a late
     * removal would delete the object of a repeated request.
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

    /** Ends a lease that was kept. Call it when no write of its request can take effect any more. */
    async release(lease: Lease): Promise<void> {
      await deleteLease(queries, lease)
    },

    /** Deletes expired leases that are older than `minAgeMs`. @returns how many */
    deleteExpired: (minAgeMs: number): Promise<number> => deleteExpiredLeases(queries, minAgeMs)
  }
}
