import { ApiError } from '../errors.ts'
import { deleteSession } from '../sessions/delete-session.ts'
import type { SessionDependencies } from '../sessions/dependencies.ts'
import { isUserDeleted, sessionBusy } from '../sessions/errors.ts'
import { createUserRepository } from '../users/repository.ts'
import { removeObjectsUnderLease, removeLeftovers, removeStaged, type Owner } from './remove-objects.ts'
import { createAccountRepository } from './repository.ts'

/** Sessions with recordings that are deleted at the same time. */
const CONCURRENCY = 8

/** Rounds before giving up. Each later round deletes what concurrent saves have added. */
const MAX_ROUNDS = 10

/**
 * Deletes a user with all sessions and recordings. It resolves when the storage has no object of the user and
 * the row of the user is gone; repeating it is safe. It waits for requests that write recordings. Sessions with
 * a recording are deleted one by one, each under its lease.
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
    await deleteRecordings(dependencies, owner).catch(async (error) => {
      if (isUserDeleted(error)) return // by an equal request at the same moment
      if (!isCode(error, 'storage_unavailable')) throw error
      await deleteRowsOnly(dependencies, owner)
      throw recordingsStay(error)
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

/** Deletes the sessions with recordings, and all that the storage has of the user. */
async function deleteRecordings(dependencies: SessionDependencies, owner: Owner): Promise<void> {
  const account = createAccountRepository(dependencies.database.queries)
  await removeObjectsUnderLease(dependencies, owner)
  for (;;) {
    const ids = await account.findRecorded(owner.userId, CONCURRENCY)
    if (ids.length === 0) break
    const results = await Promise.allSettled(ids.map((id) => deleteIfThere(dependencies, owner, id)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
  await removeLeftovers(dependencies, owner)
  await removeStaged(dependencies, owner)
}

async function deleteIfThere(dependencies: SessionDependencies, { sub }: Owner, id: string): Promise<void> {
  await deleteSession(dependencies, { sub, id }).catch((error) => {
    if (!isCode(error, 'session_not_found')) throw error
  })
}

/** Deletes the sessions and clears the profile, without the storage. */
async function deleteRowsOnly(dependencies: SessionDependencies, { userId }: Owner): Promise<void> {
  await deleteBatches(dependencies, (account) => account.deleteAny(userId))
  await dependencies.database.transaction((queries) => createAccountRepository(queries).clearProfile(userId))
}

const recordingsStay = (cause: unknown) =>
  new ApiError(
    'storage_unavailable',
    'Your sessions are deleted. The recording storage is unavailable: repeat the call to delete the recordings.',
    { cause }
  )

const isCode = (error: unknown, code: string) => error instanceof ApiError && error.code === code
