import type { Queries } from '../../database/client.ts'

/** How long an upload stays open after it was begun, or its token renewed: as long as TUS resumes one. */
const LIFE_HOURS = 24

/** An upload of the table `open_uploads`. `uploadId` and `audioUrl`: those of its session. */
export type OpenUpload = {
  sessionId: string
  userId: string
  uploadId: string | null
  audioUrl: string | null
}

/**
 * The SQL of the table `open_uploads`: direct uploads that were begun and are not completed, at most one per
 * session.
 */
export const createOpenUploads = (queries: Queries) => ({
  /** The uploads of a user for other sessions that may still be completed. Call it under the user's lock. */
  async countOthers({ id, userId }: { id: string; userId: string }): Promise<number> {
    const [row] = await queries.$queryRaw<[{ count: number }]>`
      SELECT count(*)::int FROM open_uploads
      WHERE user_id = ${userId}::uuid AND session_id <> ${id}::uuid AND expires_at > now()`
    return row.count
  },

  /** Adds the upload of a session, or extends its life. */
  async openOrExtend({ id, userId }: { id: string; userId: string }): Promise<void> {
    await queries.$executeRaw`
      INSERT INTO open_uploads (session_id, user_id, expires_at)
      VALUES (${id}::uuid, ${userId}::uuid, now() + ${LIFE_HOURS}::int * interval '1 hour')
      ON CONFLICT (session_id) DO UPDATE SET expires_at = excluded.expires_at`
  },

  /** Removes the upload of a session, which is completed or given up. */
  async end(sessionId: string): Promise<void> {
    await queries.$executeRaw`DELETE FROM open_uploads WHERE session_id = ${sessionId}::uuid`
  },

  /** The uploads that have expired, the oldest first. */
  findExpired: (limit: number): Promise<Array<{ sessionId: string; userId: string }>> =>
    queries.$queryRaw`
      SELECT session_id AS "sessionId", user_id AS "userId" FROM open_uploads
      WHERE expires_at <= now() ORDER BY expires_at LIMIT ${limit}::int`,

  /** @returns null when the upload of the session was ended or renewed meanwhile */
  async findExpiredOf(sessionId: string): Promise<OpenUpload | null> {
    const [row] = await queries.$queryRaw<OpenUpload[]>`
      SELECT session_id AS "sessionId", o.user_id AS "userId", upload_id AS "uploadId", audio_url AS "audioUrl"
      FROM open_uploads o JOIN sessions s ON s.id = session_id
      WHERE session_id = ${sessionId}::uuid AND expires_at <= now()`
    return row ?? null
  },

  /**
   * Removes an expired upload, and clears the upload columns of its session.
   * @returns false when it was renewed meanwhile
   */
  async endExpired(sessionId: string): Promise<boolean> {
    const count = await queries.$executeRaw`
      DELETE FROM open_uploads WHERE session_id = ${sessionId}::uuid AND expires_at <= now()`
    if (count === 0) return false
    await queries.$executeRaw`
      UPDATE sessions SET upload_id = NULL, recording_bytes = NULL, recording_sha256 = NULL
      WHERE id = ${sessionId}::uuid AND audio_url IS NULL`
    return true
  },

  /**
   * Whether the object of this upload may still become a recording: the upload was not ended, or a request
   * works on the session. An upload that has expired is ended under the lease of its session.
   */
  async mayBeCompleted(sessionId: string, uploadId: string): Promise<boolean> {
    const rows = await queries.$queryRaw<unknown[]>`
      SELECT FROM open_uploads o JOIN sessions s ON s.id = session_id
      WHERE session_id = ${sessionId}::uuid AND upload_id = ${uploadId}
      UNION ALL
      SELECT FROM session_leases WHERE session_id = ${sessionId}::uuid AND expires_at > now()`
    return rows.length > 0
  }
})
