import { UUID_PATTERN } from '../../contract/uuid.ts'
import type { SessionDependencies } from '../sessions/dependencies.ts'
import { createSessionRepository } from '../sessions/repository.ts'
import { possibleKeys } from '../storage/recording-keys.ts'
import { walkBucket } from '../storage/walk-bucket.ts'
import { createAccountRepository } from './repository.ts'

/** One call waits for at most this many leases. */
const MAX_LEASES = 1000

/** A user whose account is deleted. */
export type Owner = { sub: string; userId: string }

/**
 * Waits for the requests that write recordings of the user, and removes what those that failed may have written.
 * @throws {ApiError} session_busy; storage_unavailable; database_unavailable
 */
export async function removeObjectsUnderLease(
  dependencies: SessionDependencies,
  owner: Owner
): Promise<void> {
  const account = createAccountRepository(dependencies.database.queries)
  for (const sessionId of await account.findLeased(owner.userId, MAX_LEASES)) {
    await removeUnreferenced(dependencies, owner, { sessionId, keys: possibleKeys(owner.userId, sessionId) })
  }
}

/** Removes the objects that no session refers to, as an earlier attempt or a broken save has left them. */
export async function removeLeftovers(dependencies: SessionDependencies, owner: Owner): Promise<void> {
  let removed = 0
  for await (const { key } of dependencies.storage.list(owner.userId, () => removed)) {
    if (await removeLeftover(dependencies, owner, key)) removed++
  }
}

/** Removes the user's objects in staging. Call it when the sessions are deleted: no upload can be completed then. */
export async function removeStaged(
  { storage: { staging } }: SessionDependencies,
  { userId }: Owner
): Promise<void> {
  const visit = async ({ key }: { key: string }) => {
    await staging.remove([key])
    return true
  }
  await walkBucket(staging, { folder: userId, depth: 1, visit })
}

const KEY = new RegExp(`/(${UUID_PATTERN})\\.\\w+$`)

/** @returns whether the object was removed */
async function removeLeftover(
  dependencies: SessionDependencies,
  owner: Owner,
  key: string
): Promise<boolean> {
  const [, sessionId] = KEY.exec(key) ?? []
  if (sessionId !== undefined) return removeUnreferenced(dependencies, owner, { sessionId, keys: [key] })
  await dependencies.storage.remove([key])
  return true
}

/** @returns false when there is a session with this id, to which the objects may belong */
function removeUnreferenced(
  { database, storage, leases }: SessionDependencies,
  { sub, userId }: Owner,
  { sessionId, keys }: { sessionId: string; keys: string[] }
): Promise<boolean> {
  return leases.withLease({ sessionId, userId, contentDigest: null }, async (lease) => {
    // A save may have committed while this waited for its lease.
    if (await createSessionRepository(database.queries).findOwned(sessionId, sub)) return false
    await leases.write(lease, () => storage.remove(keys))
    return true
  })
}
