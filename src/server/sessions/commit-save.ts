import { ApiError } from '../errors.ts'
import { quotaSetting, toQuotaError } from '../users/quotas.ts'
import { withKnownZone } from '../users/with-known-zone.ts'
import { isRepeat } from './content-digest.ts'
import type { SessionContent } from './content.ts'
import type { SessionDependencies } from './dependencies.ts'
import { idReused, isUserDeleted, notSynced, sessionBusy } from './errors.ts'
import { leaseLost, type Lease } from './leases/lease.ts'
import { recountStreak } from './recount-streak.ts'
import { createSessionRepository, type StoredSession } from './repository.ts'
import { createSaveRepository, type NewRow } from './save-repository.ts'
import { toStoredScores } from './score-repository.ts'

/** A save under way: the content as sent, and the row to be written. */
export type Save = { sub: string; content: SessionContent; row: NewRow }

/** `created` is false for a repeated save, which wrote nothing. */
export type Saved = { session: StoredSession; created: boolean }

/**
 * Writes the row, consumes the lease and extends the streak: one statement, so one transaction.
 * @throws {ApiError} id_reused; session_busy; user_not_synced; quota_exceeded; database_unavailable, where the
 * outcome is unknown
 */
export async function commitSave(
  dependencies: SessionDependencies,
  save: Save,
  lease?: Lease
): Promise<Saved> {
  const { database, defaultTimeZone, now, quotas } = dependencies
  const options = {
    sub: save.sub,
    now: now(),
    defaultZone: await database.zones.resolve([defaultTimeZone]),
    fencingToken: lease?.fencingToken,
    lockTimeoutMs: database.timeoutMs,
    quotas: quotaSetting(quotas)
  }
  const saves = createSaveRepository(database.run)
  const written = await withKnownZone(database, save.sub, () => saves.insert(save.row, options)).catch(
    (error) => {
      throw isUserDeleted(error) ? notSynced() : toQuotaError(error, quotas)
    }
  )
  if (written.outcome === 'no such user') throw notSynced()
  if (written.outcome === 'lease lost') throw leaseLost()
  if (written.outcome === 'id taken') return findRepeatedSave(dependencies, save)
  if (lease) lease.isConsumed = true
  if (written.mustRecount) await recountStreak(dependencies, save.sub)
  const { userId, revision } = written
  // Not by `...`, which takes 6 µs and 3 kB in Node.js 20.
  const session = Object.assign({}, save.row, toStoredScores(save.row), { userId, revision, uploadId: null })
  return { session, created: true }
}

async function findRepeatedSave(dependencies: SessionDependencies, save: Save): Promise<Saved> {
  const stored = await findStoredSave(dependencies, save)
  if (stored) return stored
  throw new ApiError('session_busy', 'The session was deleted at the same moment. Retry.')
}

/**
 * The session stored under the id of a save, if the save repeats it.
 * @returns null when the id is free
 * @throws {ApiError} id_reused when the stored session has other content or belongs to another user; session_busy
 * when a deletion of it is under way
 */
export async function findStoredSave(
  { database }: SessionDependencies,
  { sub, content, row: { id, contentDigest } }: Save
): Promise<Saved | null> {
  const stored = await createSessionRepository(database.queries).findSaved(id, contentDigest)
  if (!stored) return null
  if (stored.sub !== sub || !isRepeat(content, stored)) throw idReused()
  if (stored.isBeingDeleted) throw sessionBusy()
  return { session: stored, created: false }
}
