import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { ApiError } from '../errors.ts'
import type { Queries } from '../database/client.ts'

/** Who may write the objects of a session id at this moment. */
export type Lease = {
  sessionId: string
  holder: string
  /** Until when it is certainly ours, by the local clock; counted from before the database was asked. */
  validUntil: number
  /** Taken over from a request that gave up: what that one sent may still arrive. */
  isInherited: boolean
}

/** What a lease is wanted for. `contentDigest` is the content being written, or null for a deletion. */
export type Purpose = {
  sessionId: string
  userId: string
  contentDigest: string | null
  /** Waits for whoever has it, and not only for an equal purpose; as a deletion always does. */
  isPatient?: boolean
}

export type Leases = ReturnType<typeof createLeases>

type Timing = {
  /** A holder that has not renewed for so long is dead. */
  leaseMs: number
  /** How long an equal save waits for the one before it. */
  waitMs: number
}

/**
 * Leases on session ids, in the table `session_leases`. No transaction or connection is held while bytes travel, so
 * this is what keeps two saves, or a save and a deletion, from working on the same object. A lease is taken over only
 * from a dead holder; a holder that was merely slow finds out in its committing transaction, because `consume` deletes
 * the lease by holder.
 */
export function createLeases(queries: Queries, { leaseMs, waitMs }: Timing) {
  async function tryAcquire({ sessionId, userId, contentDigest }: Purpose): Promise<Lease | null> {
    const holder = randomUUID()
    const validUntil = Date.now() + leaseMs
    const [row] = await queries.$queryRaw<Array<{ isInherited: boolean }>>`
      INSERT INTO session_leases AS l (session_id, user_id, holder, content_digest, started_at, expires_at)
      VALUES (${sessionId}::uuid, ${userId}::uuid, ${holder}::uuid, ${contentDigest}, now(), now() + ${leaseMs}::int * interval '1 millisecond')
      ON CONFLICT (session_id) DO UPDATE
        SET user_id = excluded.user_id, holder = excluded.holder, content_digest = excluded.content_digest,
          started_at = CASE WHEN l.expires_at <= now() THEN now() ELSE l.started_at END, expires_at = excluded.expires_at
        WHERE l.expires_at <= now() OR (l.holder IS NULL AND l.user_id = excluded.user_id AND l.content_digest IS NOT DISTINCT FROM excluded.content_digest)
      RETURNING started_at < now() AS "isInherited"`
    return row ? { sessionId, holder, validUntil, ...row } : null
  }

  async function isCompatible({ sessionId, userId, contentDigest, isPatient }: Purpose): Promise<boolean> {
    const other = await queries.sessionLease.findUnique({ where: { sessionId } })
    if (!other) return true // just gone
    if (contentDigest === null || isPatient) return true
    return other.userId === userId && (other.contentDigest === null || other.contentDigest === contentDigest)
  }

  return {
    /**
     * Waits until the lease is free; whoever wants to save the same content, or to delete, waits for the one before.
     * @throws {ApiError} id_reused at once when other content is being saved; session_busy after `waitMs`
     */
    async acquire(purpose: Purpose): Promise<Lease> {
      const deadline = Date.now() + waitMs
      for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
        const lease = await tryAcquire(purpose)
        if (lease) return lease
        if (!(await isCompatible(purpose))) {
          throw new ApiError('id_reused', 'Another session is being saved under this id. Choose a new id.')
        }
        if (Date.now() >= deadline) {
          throw new ApiError(
            'session_busy',
            'The session is still being saved or deleted by an earlier request. Try again soon.'
          )
        }
        await delay(pause)
      }
    },

    /**
     * Runs `work` and renews the lease meanwhile; `signal` aborts when the lease was lost or could not be renewed in
     * time. A process that was stopped for too long does not begin.
     * @throws {ApiError} session_busy
     */
    async withHeartbeat<T>(lease: Lease, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
      if (isOver(lease)) throw leaseLost()
      const lost = new AbortController()
      async function renew() {
        const validUntil = Date.now() + leaseMs
        const count = await queries.$executeRaw`
          UPDATE session_leases SET expires_at = now() + ${leaseMs}::int * interval '1 millisecond'
          WHERE session_id = ${lease.sessionId}::uuid AND holder = ${lease.holder}::uuid`.catch(
          () => undefined
        )
        if (count === 1) lease.validUntil = Math.max(lease.validUntil, validUntil)
        if (count === 0) lost.abort(leaseLost())
      }
      const renewal = setInterval(renew, leaseMs / 3)
      // Apart from renewing, which waits for a database that may hang.
      const watch = setInterval(() => {
        if (isOver(lease)) lost.abort(leaseLost())
      }, leaseMs / 30)
      try {
        return await work(lost.signal)
      } finally {
        clearInterval(renewal)
        clearInterval(watch)
      }
    },

    /**
     * Takes the lease from whoever has held it for longer than `minAgeMs`, dead or alive; a live one can then no
     * longer commit. A user who does not exist can have no save, so there is nothing to take from.
     */
    async steal({ sessionId, userId }: Purpose, minAgeMs: number): Promise<Lease | 'in use'> {
      const lease = { sessionId, holder: randomUUID(), validUntil: Date.now() + leaseMs, isInherited: false }
      const stolen = await queries.$executeRaw`
        INSERT INTO session_leases AS l (session_id, user_id, holder, started_at, expires_at)
        SELECT ${sessionId}::uuid, id, ${lease.holder}::uuid, now(), now() + ${leaseMs}::int * interval '1 millisecond'
        FROM users WHERE id = ${userId}::uuid
        ON CONFLICT (session_id) DO UPDATE
          SET user_id = excluded.user_id, holder = excluded.holder, content_digest = NULL, started_at = excluded.started_at, expires_at = excluded.expires_at
          WHERE l.started_at <= now() - ${minAgeMs}::float8 * interval '1 millisecond'`
      if (stolen === 1) return lease
      const isInUse = await queries.sessionLease.findUnique({ where: { sessionId } })
      return isInUse ? 'in use' : lease
    },

    /** Deletes what dead holders left behind. @returns how many */
    async deleteExpired(minAgeMs: number): Promise<number> {
      return queries.$executeRaw`DELETE FROM session_leases WHERE expires_at <= now() AND started_at <= now() - ${minAgeMs}::float8 * interval '1 millisecond'`
    },

    /** Nothing of ours can reach the bucket any more: the id is free at once. */
    async release({ sessionId, holder }: Lease): Promise<void> {
      await queries.sessionLease.deleteMany({ where: { sessionId, holder } })
    },

    /**
     * Stops working, though what was sent may still arrive: until the lease expires only the same purpose may take
     * over.
     */
    async abandon({ sessionId, holder }: Lease): Promise<void> {
      await queries.sessionLease.updateMany({ where: { sessionId, holder }, data: { holder: null } })
    },

    /**
     * Replaces a lease by a new one, so that a transaction in doubt can no longer consume the old; waits for it if it
     * is still running. @returns null when the old lease is gone: redeemed, or taken over
     */
    async rotateToken(lease: Lease): Promise<Lease | null> {
      const rotated = { ...lease, holder: randomUUID(), validUntil: Date.now() + leaseMs }
      const count = await queries.$executeRaw`
        UPDATE session_leases SET holder = ${rotated.holder}::uuid, expires_at = now() + ${leaseMs}::int * interval '1 millisecond'
        WHERE session_id = ${lease.sessionId}::uuid AND holder = ${lease.holder}::uuid`
      return count === 1 ? rotated : null
    }
  }
}

/**
 * Ends a lease whose work failed with `error`, or was not needed. Never throws: a lease that cannot be ended expires.
 * A database that has just failed to answer is not waited for again, so that its limit is the caller's limit too.
 */
export async function giveUp(
  { leases, log }: { leases: Leases; log: FastifyBaseLogger },
  lease: Lease,
  how: 'release' | 'abandon',
  error?: unknown
): Promise<void> {
  const ended = leases[how](lease).catch((error) =>
    log.warn({ err: error }, 'A lease stays until it expires')
  )
  if (!isOutage(error)) await ended
}

/** Whether the database gave no answer; a transaction that ended with this may have been committed all the same. */
export const isOutage = (error: unknown) => error instanceof ApiError && error.code === 'database_unavailable'

/**
 * Ends a lease inside the committing transaction: whoever lost it cannot commit.
 * @throws {ApiError} session_busy when somebody took over
 */
export async function consume(queries: Queries, { sessionId, holder }: Lease): Promise<void> {
  const count =
    await queries.$executeRaw`DELETE FROM session_leases WHERE session_id = ${sessionId}::uuid AND holder = ${holder}::uuid`
  if (count === 0) throw leaseLost()
}

/**
 * As `consume`, for a deletion. When an earlier request gave up on removing the object, its removal may still happen:
 * the id stays taken until the lease expires, so that it cannot hit the object of a later save.
 */
export async function consumeDeletion(queries: Queries, lease: Lease): Promise<void> {
  if (!lease.isInherited) return consume(queries, lease)
  const { sessionId, holder } = lease
  const { count } = await queries.sessionLease.updateMany({
    where: { sessionId, holder },
    data: { holder: null }
  })
  if (count === 0) throw leaseLost()
}

/**
 * Makes sure, inside a transaction, that nobody took over, and that nobody does before its end.
 * @throws {ApiError} session_busy
 */
export async function confirm(queries: Queries, { sessionId, holder }: Lease): Promise<void> {
  const rows = await queries.$queryRaw<unknown[]>`
    SELECT FROM session_leases WHERE session_id = ${sessionId}::uuid AND holder = ${holder}::uuid FOR UPDATE`
  if (rows.length === 0) throw leaseLost()
}

const isOver = ({ validUntil }: Lease) => Date.now() >= validUntil

const leaseLost = () =>
  new ApiError('session_busy', 'The request took so long that it had to be given up. Repeat it.')
