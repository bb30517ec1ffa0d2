import { ApiError } from '../errors.ts'
import { refreshFigures, type Clock } from '../users/figures.ts'
import { toDatabaseZone } from '../users/time-zones.ts'
import { isSameContent, type SessionContent } from './content.ts'
import type { SessionDependencies } from './dependencies.ts'
import { isUserDeleted } from './errors.ts'
import { leaseLost, type Lease } from './leases/lease.ts'
import { createSessionRepository, type SessionRow } from './repository.ts'
import { createSaveRepository, type NewRow } from './save-repository.ts'

/** A save under way: the content as sent, and the row to be written. */
export type Save = { sub: string; content: SessionContent; row: NewRow }

/** `created` is false for a repeated save, which wrote nothing. */
export type Saved = { session: SessionRow; created: boolean }

/**
 * Writes the row, consumes the lease and extends the streak: one statement, so one transaction.
 * @throws {ApiError} id_reused; session_busy; user_not_synced; database_unavailable, where the outcome is unknown
 */
export async function commitSave(
  dependencies: SessionDependencies,
  save: Save,
  lease?: Lease
): Promise<Saved> {
  const { database, defaultTimeZone, now } = dependencies
  const clock = { defaultTimeZone, now: now() }
  const written = await createSaveRepository(database.run)
    .insert(save.row, {
      sub: save.sub,
      now: clock.now,
      defaultZone: toDatabaseZone(defaultTimeZone),
      fencingToken: lease?.fencingToken,
      lockTimeoutMs: database.timeoutMs
    })
    .catch((error) => {
      throw isUserDeleted(error) ? notSynced() : error
    })
  if (written.outcome === 'no such user') throw notSynced()
  if (written.outcome === 'lease lost') throw leaseLost()
  if (written.outcome === 'id taken') return findRepeatedSave(dependencies, save)
  if (lease) lease.isConsumed = true
  if (written.mustRecount) await recount(dependencies, save.sub, clock)
  const { userId, revision } = written
  return { session: { ...save.row, userId, revision }, created: true }
}

/** The session is saved, so a failure is no error of the save: the streak is counted when it is needed next. */
async function recount({ database, log }: SessionDependencies, sub: string, clock: Clock): Promise<void> {
  await database
    .transaction((queries) => refreshFigures(queries, sub, clock))
    .catch((error) => log.warn({ err: error }, 'The streak will be counted when it is needed'))
}

async function findRepeatedSave(dependencies: SessionDependencies, save: Save): Promise<Saved> {
  const stored = await findStoredSave(dependencies, save)
  if (stored) return stored
  throw new ApiError('session_busy', 'The session was deleted at the same moment. Retry.')
}

/**
 * The session stored under the id of a save, if the save repeats it.
 * @returns null when the id is free
 * @throws {ApiError} id_reused when the stored session has other content or belongs to another user
 */
export async function findStoredSave(
  { database }: SessionDependencies,
  { sub, content, row: { id } }: Save
): Promise<Saved | null> {
  const stored = await createSessionRepository(database.queries).find(id)
  if (!stored) return null
  if (stored.sub !== sub || !isSameContent(content, stored)) {
    throw new ApiError('id_reused', 'Another session has this id. Choose a new id.')
  }
  return { session: stored, created: false }
}

export const notSynced = () =>
  new ApiError('user_not_synced', 'Call POST /api/users/sync once, then save again.')
