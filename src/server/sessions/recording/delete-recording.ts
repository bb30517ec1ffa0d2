import { createUserRepository } from '../../users/repository.ts'
import type { SessionDependencies, SessionReference } from '../dependencies.ts'
import { consumeLeaseForDeletion } from '../leases/lease.ts'
import { createOpenUploads } from './open-uploads.ts'
import { createRecordingRepository } from './recording-repository.ts'
import { removeRecording } from './remove-recording.ts'

/**
 * Deletes the recording of a session and ends its open upload; the session stays. Succeeds also when the
 * session has no recording.
 * @throws {ApiError} session_not_found; session_busy; storage_unavailable; database_unavailable
 */
export async function deleteRecording(
  dependencies: SessionDependencies,
  reference: SessionReference
): Promise<void> {
  await removeRecording(dependencies, reference, ({ id, userId }, lease) =>
    dependencies.database.transaction(async (queries) => {
      await createUserRepository(queries).lock({ userId })
      await consumeLeaseForDeletion(queries, lease)
      await createRecordingRepository(queries).forget(id)
      await createOpenUploads(queries).end(id)
    })
  )
}
