import type { Queries } from '../database/client.ts'
import { createUserRepository } from '../users/repository.ts'

/** Sessions that one statement deletes: their texts may be large. */
const BATCH = 500

/** The statements that delete an account. Those that write must run in a transaction. */
export const createAccountRepository = (queries: Queries) => ({
  /** Sessions that have, or may get, an object in the storage. */
  async findRecorded(userId: string, limit: number): Promise<string[]> {
    const rows = await queries.$queryRaw<Array<{ id: string }>>`
      SELECT id FROM sessions
      WHERE user_id = ${userId}::uuid AND num_nonnulls(audio_url, recording_bytes, upload_id) > 0
      ORDER BY id LIMIT ${limit}::int`
    return rows.map(({ id }) => id)
  },

  /** Deletes some sessions that have no object in the storage. @returns how many */
  async deleteUnrecorded(userId: string): Promise<number> {
    if (!(await createUserRepository(queries).lock({ userId }))) return 0
    return queries.$executeRaw`
      DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions
        WHERE user_id = ${userId}::uuid AND num_nonnulls(audio_url, recording_bytes, upload_id) = 0
        LIMIT ${BATCH}::int
      )`
  },

  /** Deletes some sessions, whatever they have in the storage. @returns how many */
  async deleteAny(userId: string): Promise<number> {
    if (!(await createUserRepository(queries).lock({ userId }))) return 0
    return queries.$executeRaw`
      DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE user_id = ${userId}::uuid LIMIT ${BATCH}::int
      )`
  },

  /** Sessions that a request saves or deletes, or that it has left in doubt. */
  async findLeased(userId: string, limit: number): Promise<string[]> {
    const rows = await queries.$queryRaw<Array<{ id: string }>>`
      SELECT session_id AS id FROM session_leases WHERE user_id = ${userId}::uuid LIMIT ${limit}::int`
    return rows.map(({ id }) => id)
  },

  /** Clears the profile of a user whose deletion cannot be finished yet. */
  async clearProfile(userId: string): Promise<void> {
    await queries.$executeRaw`
      UPDATE users SET email = '', name = NULL, picture = NULL, time_zone = NULL WHERE id = ${userId}::uuid`
  },

  /**
   * Deletes the user. The lock makes a new lease wait, because its foreign key refers to the user.
   * @returns false while there are sessions, or leases, whose requests may still write objects
   */
  async deleteUser(userId: string): Promise<boolean> {
    const locked = await queries.$queryRaw<unknown[]>`SELECT FROM users WHERE id = ${userId}::uuid FOR UPDATE`
    if (locked.length === 0) return true
    const count = await queries.$executeRaw`
      DELETE FROM users WHERE id = ${userId}::uuid
        AND NOT EXISTS (SELECT FROM sessions WHERE user_id = ${userId}::uuid)
        AND NOT EXISTS (SELECT FROM session_leases WHERE user_id = ${userId}::uuid)`
    return count === 1
  }
})
