import { randomUUID } from 'node:crypto'
import { retryFor } from '../../../contract/retry.ts'
import { ApiError } from '../../errors.ts'
import { idReused, sessionBusy } from '../errors.ts'
import type { LeaseRepository, Purpose } from './lease-repository.ts'
import type { Lease } from './lease.ts'

type Context = { repository: LeaseRepository; leaseMs: number; waitMs: number }

/**
 * Acquires the lease. While another request holds it, a save waits for an equal save or for a deletion. A
 * deletion, and a purpose with `waitsForOthers`, waits for any other purpose.
 * @throws {ApiError} id_reused at once when other content is being saved; session_busy after `waitMs`
 */
export function acquireLease({ repository, leaseMs, waitMs }: Context, purpose: Purpose): Promise<Lease> {
  const attempt = async () => {
    const lease = newLease(purpose.sessionId, leaseMs)
    const acquired = await repository.acquire(purpose, lease.fencingToken)
    if (acquired) return { ...lease, ...acquired }
    throw (await mayWait(repository, purpose)) ? sessionBusy() : idReused()
  }
  return retryFor(attempt, { firstPauseMs: 20, maxPauseMs: 500, limitMs: waitMs, shouldRetry: isBusy })
}

const isBusy = (error: unknown) => error instanceof ApiError && error.code === 'session_busy'

async function mayWait(
  repository: LeaseRepository,
  { sessionId, userId, contentDigest, waitsForOthers }: Purpose
): Promise<boolean> {
  if (contentDigest === null || waitsForOthers) return true
  const other = await repository.find(sessionId)
  if (!other) return true // the other lease has just ended
  return other.userId === userId && [null, contentDigest].includes(other.contentDigest)
}

/** Creates a lease with a new fencing token, not yet in the table. Call it before the query is sent. */
export const newLease = (sessionId: string, leaseMs: number): Lease => ({
  sessionId,
  fencingToken: randomUUID(),
  validUntil: Date.now() + leaseMs,
  isInherited: false,
  hasWritten: false,
  isConsumed: false,
  isKept: false
})
