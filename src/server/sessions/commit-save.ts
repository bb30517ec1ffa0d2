import { sqlState } from '../database/errors.ts'
import { ApiError } from '../errors.ts'
import { createUserRepository } from '../users/repository.ts'
import { refreshStreak } from '../users/streak-repository.ts'
import { isSameContent, type SessionContent } from './content.ts'
import type { SessionDependencies } from './dependencies.ts'
import { consume, type Lease } from './leases/lease.ts'
import { createSessionRepository, type SessionRow } from './repository.ts'

/** A save under way: the content as sent, and the row to be written. */
export type Save = { sub: string; content: SessionContent; row: SessionRow }

/** `created` is false for a repeated save, which wrote nothing. */
export type Saved = { session: SessionRow; created: boolean }

/**
 * Writes the row, consumes the lease and counts the streak in one transaction.
 * @throws {ApiError} id_reused; session_busy; user_not_synced; database_unavailable, where the outcome is
 * unknown
 */
export async function commitSave(
  dependencies: SessionDependencies,
  save: Save,
  lease?: Lease
): Promise<Saved> {
  try {
    await write(dependencies, save, lease)
    return { session: save.row, created: true }
  } catch (error) {
    // The user was deleted after the save began.
    if (sqlState(error) === FOREIGN_KEY_VIOLATION) throw notSynced()
    if (!(error instanceof IdTaken)) throw error
  }
  const stored = await findStoredSave(dependencies, save)
  if (stored) return stored
  throw new ApiError('session_busy', 'The session was deleted at the same moment. Retry.')
}

async function write(
  { database, defaultTimeZone, now }: SessionDependencies,
  { sub, row }: Save,
  lease: Lease | undefined
): Promise<void> {
  await database.transaction(async (queries) => {
    // The order prevents a deadlock: deleting a user locks the user first and the leases second. The user is
    // locked last because all other saves of the user wait for this lock.
    if (!(await createSessionRepository(queries).insert(row))) throw new IdTaken()
    if (lease) await consume(queries, lease)
    await createUserRepository(queries).lock(row.userId)
    await refreshStreak(queries, { sub, defaultTimeZone, now: now() })
  })
}

/**
 * The session stored under the id of a save, if the save repeats it.
 * @returns null when the id is free
 * @throws {ApiError} id_reused when the stored session has other content or belongs to another user
 */
export async function findStoredSave(
  { database }: SessionDependencies,
  { content, row: { id, userId } }: Save
): Promise<Saved | null> {
  const stored = await createSessionRepository(database.queries).find(id)
  if (!stored) return null
  if (stored.userId !== userId || !isSameContent(content, stored)) {
    throw new ApiError('id_reused', 'Another session has this id. Choose a new id.')
  }
  return { session: stored, created: false }
}

export const notSynced = () =>
  new ApiError('user_not_synced', 'Call POST /api/users/sync once, then save again.')

/** SQLSTATE (PostgreSQL manual, appendix A). */
const FOREIGN_KEY_VIOLATION = '23503'

/** Rolls the transaction back: the id already has a row. */
class IdTaken extends Error {}
