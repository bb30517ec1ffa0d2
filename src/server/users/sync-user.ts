import type { SyncUser } from '../../contract/users.ts'
import type { Database } from '../database/client.ts'
import { ApiError } from '../errors.ts'
import { createUserRepository, type UserRow } from './repository.ts'
import { refreshFigures } from './figures.ts'

/** `picture` may be a large data URL. The server ignores one, and a smaller limit would answer 413. */
export const SYNC_BODY_LIMIT = 1024 * 1024

type Dependencies = { database: Database; defaultTimeZone: string; now: () => Date }

/**
 * Creates or updates the user with the token's `sub`. A new time zone may change the streak, so it is counted
 * again.
 * @param profile usable values (`readProfile`)
 * @throws {ApiError} not_your_account; database_unavailable
 */
export async function syncUser(
  { database, defaultTimeZone, now }: Dependencies,
  sub: string,
  profile: SyncUser
): Promise<{ user: UserRow; created: boolean }> {
  if (profile.auth0_id !== sub) {
    throw new ApiError('not_your_account', 'auth0_id must be the `sub` of the access token.')
  }
  return database.transaction(async (queries) => {
    const users = createUserRepository(queries)
    const { created } = await users.upsert(profile)
    await refreshFigures(queries, sub, { zones: database.zones, defaultTimeZone, now: now() })
    const user = await users.findBySub(sub)
    if (!user) throw new Error('The user disappeared within its own transaction')
    return { user, created }
  })
}
