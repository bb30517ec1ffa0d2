import type { User } from '../../contract/users.ts'
import type { UserRow } from './repository.ts'

/** A stored user as the wire has it. */
export const presentUser = (user: UserRow): User => ({
  id: user.id,
  auth0_id: user.auth0Id,
  email: user.email || null,
  name: user.name,
  picture: user.picture,
  time_zone: user.timeZone,
  created_at: user.createdAt.toISOString(),
  streak_count: user.streakCount,
  last_practice_date: user.lastPracticeDate?.toISOString() ?? null
})
