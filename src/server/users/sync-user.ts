import { isTimeZone } from '../../contract/practice-days.ts'
import type { SyncUser } from '../../contract/users.ts'
import type { Database } from '../database/client.ts'
import { ApiError, invalidInput } from '../errors.ts'
import { createUserRepository, type UserRow } from './repository.ts'
import { refreshFigures } from './figures.ts'
import { rejectUnknownZone } from './time-zones.ts'

type Dependencies = { database: Database; defaultTimeZone: string; now: () => Date }

/**
 * Creates or updates the user with the token's `sub`. A new time zone may change the streak, so it is counted
 * again.
 * @throws {ApiError} not_your_account; invalid_input for an unknown time zone; database_unavailable
 */
export async function syncUser(
  { database, defaultTimeZone, now }: Dependencies,
  sub: string,
  profile: SyncUser
): Promise<{ user: UserRow; created: boolean }> {
  if (profile.auth0_id !== sub) {
    throw new ApiError('not_your_account', 'auth0_id must be the `sub` of the access token.')
  }
  if (profile.timeZone && !isTimeZone(profile.timeZone)) {
    throw invalidInput('/timeZone', 'must be an IANA time zone such as Europe/Berlin')
  }
  return database.transaction(async (queries) => {
    const users = createUserRepository(queries)
    const { created } = await users.upsert(profile)
    await refreshFigures(queries, sub, { defaultTimeZone, now: now() }).catch(rejectUnknownZone('/timeZone'))
    const user = await users.findBySub(sub)
    if (!user) throw new Error('The user disappeared within its own transaction')
    return { user, created }
  })
}
