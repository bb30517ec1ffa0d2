import { possibleKeys } from '../../storage/recording-keys.ts'
import { createUserRepository } from '../../users/repository.ts'
import type { SessionDependencies } from '../dependencies.ts'
import { consumeLeaseForDeletion } from '../leases/lease.ts'
import { createOpenUploads, type OpenUpload } from './open-uploads.ts'
import { stagedUpload } from './staged-upload.ts'

type Dependencies = Pick<SessionDependencies, 'database' | 'storage' | 'leases'>

/**
 * Ends a direct upload that was not completed in time: removes its objects, and gives its bytes back to the
 * quota of the user.
 * @returns false when it was completed or renewed meanwhile
 * @throws {ApiError} session_busy; storage_unavailable; database_unavailable
 */
export function endExpiredUpload(
  { database, storage, leases }: Dependencies,
  { sessionId, userId }: Pick<OpenUpload, 'sessionId' | 'userId'>
): Promise<boolean> {
  return leases.withLease({ sessionId, userId, contentDigest: null }, async (lease) => {
    const upload = await createOpenUploads(database.queries).findExpiredOf(sessionId)
    if (!upload) return false
    if (upload.audioUrl === null) await leases.write(lease, () => removeObjects(storage, upload))
    return database.transaction(async (queries) => {
      await createUserRepository(queries).lock({ userId })
      await consumeLeaseForDeletion(queries, lease)
      return createOpenUploads(queries).endExpired(sessionId)
    })
  })
}

/** A completion that died may have copied the upload to the bucket of recordings. */
async function removeObjects(
  storage: Dependencies['storage'],
  { sessionId, userId, uploadId }: OpenUpload
): Promise<void> {
  if (uploadId !== null) {
    const { key, sealedKey } = stagedUpload({ id: sessionId, userId }, uploadId)
    await storage.staging.remove([key, sealedKey])
  }
  await storage.remove(possibleKeys(userId, sessionId))
}
