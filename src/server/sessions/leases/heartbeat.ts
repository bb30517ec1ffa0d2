import { hasExpired, leaseLost, type Lease } from './lease.ts'
import type { LeaseRepository } from './lease-repository.ts'

type Heartbeat = {
  repository: Pick<LeaseRepository, 'renew'>
  leaseMs: number
}

/**
 * Runs `work` and renews the lease meanwhile. `signal` aborts with `session_busy` when the lease was lost or
 * could not be renewed in time. The work does not begin under a lease that may have expired: a stopped
 * process may have resumed.
 * @throws {ApiError} session_busy
 */
export async function withHeartbeat<T>(
  { repository, leaseMs }: Heartbeat,
  lease: Lease,
  work: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  if (hasExpired(lease)) throw leaseLost()
  const lost = new AbortController()
  const renewal = setInterval(renew, leaseMs / 3)
  // A timer of its own: the renewal waits for a database that may hang.
  const watch = setInterval(() => {
    if (hasExpired(lease)) lost.abort(leaseLost())
  }, leaseMs / 30)
  try {
    return await work(lost.signal)
  } finally {
    clearInterval(renewal)
    clearInterval(watch)
  }

  async function renew() {
    const { sessionId, fencingToken } = lease
    const validUntil = Date.now() + leaseMs
    // Without an answer the lease may still be held, until it expires.
    const isRenewed = await repository.renew({ sessionId, fencingToken }).catch(() => undefined)
    if (isRenewed) lease.validUntil = Math.max(lease.validUntil, validUntil)
    // If the token was rotated in the meantime, a miss of the old one means nothing.
    if (isRenewed === false && lease.fencingToken === fencingToken) lost.abort(leaseLost())
  }
}
