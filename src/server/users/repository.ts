import { randomInt } from 'node:crypto'
import type { SyncUser } from '../../contract/users.ts'
import type { Queries } from '../database/client.ts'
import { sql } from '../database/sql.ts'

/** Leaves a user a thousand million changes until the largest revision of a session. */
const MAX_FIRST_REVISION = 2 ** 30

export type UserRow = {
  id: string
  auth0Id: string
  /** Empty for a user without an e-mail address. */
  email: string
  name: string | null
  picture: string | null
  timeZone: string | null
  createdAt: Date
  streakCount: number
  lastPracticeDate: Date | null
}

/** A user with the running figures; null: not counted. */
type AccountRow = UserRow & {
  totalSeconds: bigint | null
  sessionCount: number | null
  textBytes: bigint | null
  recordingsBytes: bigint | null
}

/** A user whose row is locked. */
export type LockedUser = {
  userId: string
  timeZone: string | null
  /** The time zone in which the streak was counted; null when the streak is unknown. */
  streakZone: string | null
  hasTotals: boolean
}

export const createUserRepository = (queries: Queries) => ({
  /**
   * Creates or updates the user and locks the row. Absent fields keep their values; null clears them, except
   * the e-mail. Safe to call concurrently: PostgreSQL lets one insert win and turns the others into updates.
   *
   * A new user begins with a random revision. With 0, a session that is imported into a new account would have the
   * entity tags of the deleted account again.
   */
  async upsert({ auth0_id: sub, email, name, picture, timeZone }: SyncUser): Promise<{ created: boolean }> {
    const [row] = await queries.$queryRaw<[{ created: boolean }]>`
      INSERT INTO users AS u (auth0_id, email, name, picture, time_zone, revision)
      VALUES (${sub}, ${email ?? ''}, ${name ?? null}, ${picture ?? null}, ${timeZone ?? null},
        ${randomInt(MAX_FIRST_REVISION)}::int)
      ON CONFLICT (auth0_id) DO UPDATE SET
        email = coalesce(nullif(excluded.email, ''), u.email),
        name = CASE WHEN ${name === undefined} THEN u.name ELSE excluded.name END,
        picture = CASE WHEN ${picture === undefined} THEN u.picture ELSE excluded.picture END,
        time_zone = CASE WHEN ${timeZone === undefined} THEN u.time_zone ELSE excluded.time_zone END
      RETURNING xmax = 0 AS created`
    return row
  },

  /** @returns the user's id, or null when the user was never synced */
  async findId(sub: string): Promise<string | null> {
    const [user] = await queries.$queryRaw<Array<{ id: string }>>`
      SELECT id FROM users WHERE auth0_id = ${sub}`
    return user?.id ?? null
  },

  exists: async (userId: string): Promise<boolean> =>
    (await queries.user.count({ where: { id: userId } })) > 0,

  /**
   * Locks the user until the transaction ends: writes of one user run one after the other. It is the first
   * lock of every transaction that writes sessions.
   * @returns null when there is no such user
   */
  async lock(user: { sub: string } | { userId: string }): Promise<LockedUser | null> {
    const isUser = 'sub' in user ? sql`auth0_id = ${user.sub}` : sql`id = ${user.userId}::uuid`
    const [row] = await queries.$queryRaw<LockedUser[]>`
      SELECT id AS "userId", time_zone AS "timeZone", figures_zone AS "streakZone",
        num_nulls(total_seconds, session_count, text_bytes, recordings_bytes) = 0 AS "hasTotals"
      FROM users WHERE ${isUser} FOR NO KEY UPDATE`
    return row ?? null
  },

  findBySub: (sub: string): Promise<UserRow | null> => queries.user.findUnique({ where: { auth0Id: sub } }),

  findAccount: (sub: string): Promise<AccountRow | null> =>
    queries.user.findUnique({ where: { auth0Id: sub } })
})
