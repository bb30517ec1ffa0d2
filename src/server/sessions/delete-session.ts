import { subtractFromFigures } from '../users/figures.ts'
import { createUserRepository } from '../users/repository.ts'
import type { SessionDependencies, SessionReference } from './dependencies.ts'
import { sessionNotFound } from './errors.ts'
import { consumeLeaseForDeletion } from './leases/lease.ts'
import { removeRecording } from './recording/remove-recording.ts'
import { createSessionRepository } from './repository.ts'

/**
 * Deletes a session with its recording: clears the URL, removes the object, then deletes the row and counts
 * the streak. A failure in between leaves a session without a recording; repeating the call finishes the
 * work.
 * @throws {ApiError} session_not_found; session_busy; storage_unavailable; database_unavailable
 */
export async function deleteSession(
  dependencies: SessionDependencies,
  reference: SessionReference
): Promise<void> {
  const { database, defaultTimeZone, now } = dependencies
  await removeRecording(dependencies, reference, async ({ id, userId }, lease) => {
    const isDeleted = await database.transaction(async (queries) => {
      const user = await createUserRepository(queries).lock({ userId })
      if (!user) return false
      await consumeLeaseForDeletion(queries, lease)
      const deleted = await createSessionRepository(queries).delete(id, userId)
      if (deleted === null) return false
      await subtractFromFigures(queries, user, {
        deleted,
        zones: database.zones,
        defaultTimeZone,
        now: now()
      })
      return true
    })
    if (!isDeleted) throw sessionNotFound()
  })
}
