import type { FastifyBaseLogger } from 'fastify'
import type { Queries } from '../../database/client.ts'
import { isOutage, isRefusal } from '../errors.ts'
import { abandonLease, deleteLease } from './lease-repository.ts'
import type { Lease } from './lease.ts'

type Context = { queries: Queries; log: Pick<FastifyBaseLogger, 'warn'> }

/** Runs `work`, and ends the lease afterwards unless the work has consumed it or set `isKept`. */
export async function runUnderLease<T>(
  context: Context,
  lease: Lease,
  work: (lease: Lease) => Promise<T>
): Promise<T> {
  const result = await work(lease).catch(async (error) => {
    if (!lease.isKept) {
      const ending = endLease(context, lease, mayStillWrite(lease, error) ? abandonLease : deleteLease)
      // After a database outage the caller does not wait, because that would double the time limit.
      if (!isOutage(error)) await ending
    }
    throw error
  })
  if (!lease.isConsumed && !lease.isKept) await endLease(context, lease, deleteLease)
  return result
}

/**
 * Whether a write that was sent to the bucket may still take effect. If so, the lease is abandoned: until it
 * expires, only an equal purpose can acquire it, whose writes are the same. If not, the lease is deleted, and
 * the id is free at once.
 */
function mayStillWrite({ isInherited, hasWritten }: Lease, error: unknown): boolean {
  return isInherited || (hasWritten && !isRefusal(error))
}

/** Never throws: a lease that cannot be ended expires. */
async function endLease({ queries, log }: Context, lease: Lease, how: typeof deleteLease): Promise<void> {
  await how(queries, lease).catch((error) => log.warn({ err: error }, 'A lease stays until it expires'))
}
