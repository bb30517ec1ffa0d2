import type { Queries } from '../../database/client.ts'
import { sql } from '../../database/sql.ts'

/** The reason for which a lease is acquired: a save, a direct upload or a removal. */
export type Purpose = {
  sessionId: string
  userId: string
  /**
   * SHA-256 that equal requests share, in lower-case hexadecimal: of the content, or of the upload's key. Null for
   * a removal.
   */
  contentDigest: string | null
  /** Whether to wait for every other purpose, not only for an equal one. Deletions always wait. */
  waitsForOthers?: boolean
}

/** Whether a row of `session_leases` is that of a removal under way, as SQL. */
export const IS_REMOVAL =
  'session_leases.content_digest IS NULL AND session_leases.holder IS NOT NULL AND session_leases.expires_at > now()'

/** The columns that identify one lease of a session id. Only the current fencing token matches a row. */
export type LeaseKey = { sessionId: string; fencingToken: string }

type StealOptions = Pick<Purpose, 'sessionId' | 'userId'> & { fencingToken: string; minAgeMs: number }

/** The SQL that acquires, steals, finds and extends leases. */
export type LeaseRepository = ReturnType<typeof createLeaseRepository>

const milliseconds = (count: number) => sql`${count}::float8 * interval '1 millisecond'`

/**
 * The SQL that acquires, steals, finds and extends leases; each lives for `leaseMs` milliseconds. All times are the
 * database's, so server clocks may differ.
 */
export function createLeaseRepository(queries: Queries, leaseMs: number) {
  const expiry = sql`now() + ${milliseconds(leaseMs)}`

  return {
    /**
     * Inserts a lease, or takes over one that has expired or that an equal purpose has abandoned.
     * @returns undefined if another request holds the lease. `isInherited`: the lease was abandoned and had
     * not expired
     */
    async acquire(
      { sessionId, userId, contentDigest }: Purpose,
      fencingToken: string
    ): Promise<{ isInherited: boolean } | undefined> {
      const [row] = await queries.$queryRaw<Array<{ isInherited: boolean }>>`
        INSERT INTO session_leases AS l (session_id, user_id, holder, content_digest, started_at, expires_at)
        VALUES (
          ${sessionId}::uuid, ${userId}::uuid, ${fencingToken}::uuid, ${contentDigest}, now(), ${expiry}
        )
        ON CONFLICT (session_id) DO UPDATE
          SET user_id = excluded.user_id, holder = excluded.holder, content_digest = excluded.content_digest,
            started_at = CASE WHEN l.expires_at <= now() THEN now() ELSE l.started_at END,
            expires_at = excluded.expires_at
          WHERE l.expires_at <= now() OR (
            l.holder IS NULL AND l.user_id = excluded.user_id
            AND l.content_digest IS NOT DISTINCT FROM excluded.content_digest
          )
        RETURNING started_at < now() AS "isInherited"`
      return row
    },

    /**
     * Takes a lease that is older than `minAgeMs`, even if its holder is alive and renews it.
     * @returns false if the lease is younger, or if the user does not exist
     */
    async steal({ sessionId, userId, fencingToken, minAgeMs }: StealOptions): Promise<boolean> {
      const count = await queries.$executeRaw`
        INSERT INTO session_leases AS l (session_id, user_id, holder, started_at, expires_at)
        SELECT ${sessionId}::uuid, id, ${fencingToken}::uuid, now(), ${expiry}
        FROM users WHERE id = ${userId}::uuid
        ON CONFLICT (session_id) DO UPDATE
          SET user_id = excluded.user_id, holder = excluded.holder, content_digest = NULL,
            started_at = excluded.started_at, expires_at = excluded.expires_at
          WHERE l.started_at <= now() - ${milliseconds(minAgeMs)}`
      return count === 1
    },

    async hasUser(userId: string): Promise<boolean> {
      const rows = await queries.$queryRaw<unknown[]>`SELECT FROM users WHERE id = ${userId}::uuid`
      return rows.length > 0
    },

    find: (sessionId: string) => queries.sessionLease.findUnique({ where: { sessionId } }),

    /** Extends the lease. @returns false when the lease was lost */
    async renew({ sessionId, fencingToken }: LeaseKey): Promise<boolean> {
      const count = await queries.$executeRaw`
        UPDATE session_leases SET expires_at = ${expiry}
        WHERE session_id = ${sessionId}::uuid AND holder = ${fencingToken}::uuid`
      return count === 1
    },

    /**
     * Extends the lease under a new token. Waits for a transaction that is consuming the lease.
     * @returns false when the lease was consumed or lost
     */
    async rotateToken({ sessionId, fencingToken }: LeaseKey, newToken: string): Promise<boolean> {
      const count = await queries.$executeRaw`
        UPDATE session_leases SET holder = ${newToken}::uuid, expires_at = ${expiry}
        WHERE session_id = ${sessionId}::uuid AND holder = ${fencingToken}::uuid`
      return count === 1
    }
  }
}

/** Locks the lease until the transaction ends. @returns false when the lease was lost */
export async function lockLease(queries: Queries, { sessionId, fencingToken }: LeaseKey): Promise<boolean> {
  const rows = await queries.$queryRaw<unknown[]>`
    SELECT FROM session_leases
    WHERE session_id = ${sessionId}::uuid AND holder = ${fencingToken}::uuid FOR UPDATE`
  return rows.length === 1
}

/** Deletes the lease, so that the session id is free at once. @returns false when the lease was lost */
export async function deleteLease(queries: Queries, { sessionId, fencingToken }: LeaseKey): Promise<boolean> {
  const count = await queries.$executeRaw`
    DELETE FROM session_leases WHERE session_id = ${sessionId}::uuid AND holder = ${fencingToken}::uuid`
  return count === 1
}

/**
 * Clears the token. Until the lease expires, only an equal purpose can acquire it.
 * @returns false when the lease was lost
 */
export async function abandonLease(
  queries: Queries,
  { sessionId, fencingToken }: LeaseKey
): Promise<boolean> {
  const { count } = await queries.sessionLease.updateMany({
    where: { sessionId, fencingToken },
    data: { fencingToken: null }
  })
  return count === 1
}

/** Finds leases that have expired and are older than `minAgeMs`, the oldest first. */
export const findExpiredLeases = (
  queries: Queries,
  { minAgeMs, limit }: { minAgeMs: number; limit: number }
): Promise<Array<{ sessionId: string; userId: string }>> =>
  queries.$queryRaw`
    SELECT session_id AS "sessionId", user_id AS "userId" FROM session_leases
    WHERE expires_at <= now() AND started_at <= now() - ${milliseconds(minAgeMs)}
    ORDER BY expires_at LIMIT ${limit}::int`

/** Deletes the lease of a session if it has expired and is older than `minAgeMs`. @returns how many: 0 or 1 */
export const deleteExpiredLease = (queries: Queries, sessionId: string, minAgeMs: number): Promise<number> =>
  queries.$executeRaw`
    DELETE FROM session_leases WHERE session_id = ${sessionId}::uuid
      AND expires_at <= now() AND started_at <= now() - ${milliseconds(minAgeMs)}`

/** Deletes the leases that have expired and are older than `minAgeMs`. @returns how many */
export const deleteExpiredLeases = (queries: Queries, minAgeMs: number): Promise<number> =>
  queries.$executeRaw`
    DELETE FROM session_leases
    WHERE expires_at <= now() AND started_at <= now() - ${milliseconds(minAgeMs)}`
