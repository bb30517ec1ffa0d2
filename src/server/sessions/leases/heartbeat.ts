import { hasExpired, leaseLost, type Lease } from './lease.ts'
import type { LeaseRepository } from './lease-repository.ts'

type Heartbeat = {
  repository: Pick<LeaseRepository, 'renew'>
  leaseMs: number
}

/**
 * Runs `work` and renews the lease meanwhile. `signal` aborts with `session_busy` if the lease was lost or
 * could not be renewed in time. The work does not begin if the lease may have expired: the process may have
 * been suspended in between.
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
  // A separate timer, because a renewal waits if the database hangs.
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
    // If the database does not answer, the lease may still be held until it expires.
    const isRenewed = await repository.renew({ sessionId, fencingToken }).catch(() => undefined)
    if (isRenewed) lease.validUntil = Math.max(lease.validUntil, validUntil)
    // If the token was rotated meanwhile, a failed renewal of the old one means nothing.
    if (isRenewed === false && lease.fencingToken === fencingToken) lost.abort(leaseLost())
  }
}
