import { UUID_PATTERN } from '../../contract/uuid.ts'
import { ApiError } from '../errors.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import type { SessionDependencies } from '../sessions/dependencies.ts'
import { sessionBusy } from '../sessions/errors.ts'
import { createSessionRepository } from '../sessions/repository.ts'
import { createUserRepository } from '../users/repository.ts'
import { createAccountRepository } from './repository.ts'

/** Sessions with recordings that are deleted at the same time. */
const CONCURRENCY = 8

/** How often saves of the same moment may make a new session. */
const MAX_ROUNDS = 10

/** A user whose account is deleted. */
type Owner = { sub: string; userId: string }

/**
 * Deletes a user with all sessions and recordings. It resolves when the storage has no object of the user and
 * the row of the user is gone; repeating it is safe. Sessions with a recording are deleted one by one, each
 * under its lease.
 *
 * If the storage fails, all sessions are deleted nevertheless, and the profile is cleared. Repeating the call
 * removes the recordings; reconciliation removes them, too, as no session refers to them.
 * @throws {ApiError} storage_unavailable; session_busy; database_unavailable
 */
export async function deleteAccount(dependencies: SessionDependencies, sub: string): Promise<void> {
  const userId = await createUserRepository(dependencies.database.queries).findId(sub)
  if (!userId) return
  const owner = { sub, userId }
  for (let round = 0; round < MAX_ROUNDS; round++) {
    await deleteBatches(dependencies, (account) => account.deleteUnrecorded(userId))
    await deleteStored(dependencies, owner).catch(async (error) => {
      throw isStorageFailure(error) ? await forgetSessions(dependencies, owner, error) : error
    })
    const isGone = await dependencies.database.transaction((queries) =>
      createAccountRepository(queries).deleteUser(userId)
    )
    if (isGone) return
  }
  throw sessionBusy()
}

type AccountRepository = ReturnType<typeof createAccountRepository>

/** Deletes batch after batch, each in a transaction of its own, until nothing is left. */
async function deleteBatches(
  { database }: SessionDependencies,
  deleteBatch: (account: AccountRepository) => Promise<number>
): Promise<void> {
  while ((await database.transaction((queries) => deleteBatch(createAccountRepository(queries)))) > 0);
}

/** Deletes the sessions with recordings, then what else the storage has of the user. */
async function deleteStored(dependencies: SessionDependencies, owner: Owner): Promise<void> {
  const account = createAccountRepository(dependencies.database.queries)
  for (;;) {
    const ids = await account.findRecorded(owner.userId, CONCURRENCY)
    if (ids.length === 0) break
    const results = await Promise.allSettled(ids.map((id) => deleteIfThere(dependencies, owner, id)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
  await removeLeftovers(dependencies, owner)
}

async function deleteIfThere(dependencies: SessionDependencies, { sub }: Owner, id: string): Promise<void> {
  await deleteSession(dependencies, { sub, id }).catch((error) => {
    if (!isCode(error, 'session_not_found')) throw error
  })
}

/** Removes the objects that no session refers to, as an earlier attempt or a broken save has left them. */
async function removeLeftovers(dependencies: SessionDependencies, owner: Owner): Promise<void> {
  let removed = 0
  for await (const { key } of dependencies.storage.list(owner.userId, () => removed)) {
    await removeLeftover(dependencies, owner, key)
    removed++
  }
}

const KEY = new RegExp(`/(${UUID_PATTERN})\\.\\w+$`)

async function removeLeftover(
  { database, storage, leases }: SessionDependencies,
  { sub, userId }: Owner,
  key: string
): Promise<void> {
  const [, sessionId] = KEY.exec(key) ?? []
  if (sessionId === undefined) return storage.remove([key])
  await leases.withLease({ sessionId, userId, contentDigest: null }, async (lease) => {
    // A save may have committed while this waited for its lease.
    const isInUse = await createSessionRepository(database.queries).findOwned(sessionId, sub)
    if (!isInUse) await leases.write(lease, () => storage.remove([key]))
  })
}

/** @returns the error for the caller */
async function forgetSessions(
  dependencies: SessionDependencies,
  { userId }: Owner,
  cause: unknown
): Promise<ApiError> {
  await deleteBatches(dependencies, (account) => account.deleteAny(userId))
  await dependencies.database.transaction((queries) => createAccountRepository(queries).clearProfile(userId))
  return new ApiError(
    'storage_unavailable',
    'Your sessions are deleted. The recording storage is unavailable: repeat the call to delete the recordings.',
    { cause }
  )
}

const isCode = (error: unknown, code: string) => error instanceof ApiError && error.code === code
const isStorageFailure = (error: unknown) => isCode(error, 'storage_unavailable')
