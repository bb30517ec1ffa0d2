import { withTimeLimit } from '../database/errors.ts'
import { createUserRepository } from '../users/repository.ts'
import { commitSave, findStoredSave, type Save, type Saved } from './commit-save.ts'
import type { SessionDependencies } from './dependencies.ts'
import { isOutage } from './errors.ts'
import type { Lease } from './leases/lease.ts'

/** The object that a save has stored for a user, and the lease under which it did. */
type StoredObject = { lease: Lease; userId: string; key: string }

type FailedSave = { error: unknown; save: Save; object: StoredObject | undefined }

/**
 * Commits a save. If the commit fails, finds out whether the row was written after all. Commit and search together
 * may take one time limit of the database. After that the caller gets an error, and the search continues in the
 * background.
 * @throws {ApiError} as `commitSave`
 */
export async function commitOrResolve(
  dependencies: SessionDependencies,
  save: Save,
  object?: StoredObject
): Promise<Saved> {
  const deadline = Date.now() + dependencies.database.timeoutMs
  return commitSave(dependencies, save, object?.lease).catch((error) => {
    const resolving = resolveUnknownOutcome(dependencies, { error, save, object })
    const left = deadline - Date.now()
    if (left > 0) return withTimeLimit(resolving, left)
    resolving.catch(() => {}) // it continues in the background
    throw error
  })
}

async function resolveUnknownOutcome(
  dependencies: SessionDependencies,
  { error, save, object }: FailedSave
): Promise<Saved> {
  const mayExist = object
    ? await removeObject(dependencies, object)
    : isOutage(error) && (await waitForTransaction(dependencies, save))
  const saved = mayExist && (await findStoredSave(dependencies, save).catch(() => null))
  if (!saved) throw error
  // After an outage the row is ours. After any other error it was written by an equal save that took over the
  // lease.
  return { ...saved, created: isOutage(error) }
}

/**
 * Removes the object, but only when the row certainly does not exist and cannot appear any more.
 * @returns whether the row may exist: the lease was consumed or lost, and nothing was removed
 */
async function removeObject(
  { database, leases, storage, log }: SessionDependencies,
  { lease, userId, key }: StoredObject
): Promise<boolean> {
  const remove = () => storage.remove([key])
  try {
    if (await leases.undoWrite(lease, remove)) await leases.release(lease)
    else if (await createUserRepository(database.queries).exists(userId)) return true
    // The user was deleted, and the lease with it. No other user gets this id, so nobody else writes the key.
    else await remove()
  } catch (cause) {
    log.warn({ err: cause }, 'A recording may be left without its session; the clean-up will remove it')
  }
  return false
}

/**
 * A transaction in doubt holds the lock on its user. Once this lock is free, the outcome is known.
 * @returns false when the database gave no answer
 */
async function waitForTransaction({ database }: SessionDependencies, { sub }: Save): Promise<boolean> {
  const locked = database.transaction((queries) => createUserRepository(queries).lock({ sub }))
  return locked.then(
    () => true,
    () => false
  )
}
