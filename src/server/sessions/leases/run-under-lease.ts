import type { FastifyBaseLogger } from 'fastify'
import { ApiError } from '../../errors.ts'
import type { Queries } from '../../database/client.ts'
import { isOutage } from '../errors.ts'
import { abandonLease, deleteLease } from './lease-repository.ts'
import type { Lease } from './lease.ts'

type Context = { queries: Queries; log: Pick<FastifyBaseLogger, 'warn'> }

/** Runs `work`, and ends the lease afterwards unless the work has consumed it or wants it kept. */
export async function runUnderLease<T>(
  context: Context,
  lease: Lease,
  work: (lease: Lease) => Promise<T>
): Promise<T> {
  const result = await work(lease).catch(async (error) => {
    if (!lease.isKept) {
      const ending = end(context, lease, mayStillWrite(lease, error) ? abandonLease : deleteLease)
      // A database that has just failed to answer is not waited for again: its time limit is the caller's
      // limit.
      if (!isOutage(error)) await ending
    }
    throw error
  })
  if (!lease.isConsumed && !lease.isKept) await end(context, lease, deleteLease)
  return result
}

/**
 * Whether a write to the bucket that was sent may still take effect. If not, the lease is deleted: the id is
 * free at once. If so, it is abandoned: until it expires only an equal purpose, whose writes are the same,
 * can acquire it.
 */
function mayStillWrite({ isInherited, hasWritten }: Lease, error: unknown): boolean {
  const isRefused = error instanceof ApiError && error.statusCode < 500
  return isInherited || (hasWritten && !isRefused)
}

/** Never throws: a lease that cannot be ended expires. */
async function end({ queries, log }: Context, lease: Lease, how: typeof deleteLease): Promise<void> {
  await how(queries, lease).catch((error) => log.warn({ err: error }, 'A lease stays until it expires'))
}
