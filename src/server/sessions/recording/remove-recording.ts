import { possibleKeys } from '../../storage/recording-keys.ts'
import { createUserRepository } from '../../users/repository.ts'
import type { SessionDependencies, SessionReference } from '../dependencies.ts'
import { isUserDeleted, sessionNotFound } from '../errors.ts'
import { confirmLease, type Lease } from '../leases/lease.ts'
import { mayHaveObject, type SessionHead, type StoredSession } from '../repository.ts'
import { requireOwned } from '../require-owned.ts'
import { createRecordingRepository } from './recording-repository.ts'
import { stagedUpload } from './staged-upload.ts'

/**
 * The common part of deleting a session and of deleting its recording. Clears the URL of the session, removes
 * its object, then calls `finish`, all under the lease of the session. `finish` must consume the lease. A
 * failure in between leaves a session without a recording; repeating the call finishes the work.
 * @throws {ApiError} session_not_found; session_busy; storage_unavailable; database_unavailable
 */
export async function removeRecording(
  dependencies: SessionDependencies,
  reference: SessionReference,
  finish: (session: SessionHead, lease: Lease) => Promise<void>
): Promise<void> {
  const { database, leases } = dependencies
  const { userId } = await requireOwned(database.queries, reference)
  const purpose = { sessionId: reference.id, userId, contentDigest: null }
  const removal = leases.withLease(purpose, async (lease) => {
    // Read again: this request may have waited for another deletion, and for a save after that.
    const session = await requireOwned(database.queries, reference)
    if (mayHaveObject(session)) await removeObject(dependencies, session, lease)
    await finish(session, lease)
  })
  await removal.catch((error) => {
    throw isUserDeleted(error) ? sessionNotFound() : error
  })
}

async function removeObject(
  { database, storage, leases, defaultTimeZone }: SessionDependencies,
  session: StoredSession,
  lease: Lease
): Promise<void> {
  const { id, userId, uploadId, audioUrl } = session
  await database.transaction(async (queries) => {
    const user = await createUserRepository(queries).lock({ userId })
    // Looks the zone up before anything is removed, so that the later count finds it in the cache.
    await database.zones.resolve([user?.timeZone ?? null, defaultTimeZone], queries)
    await confirmLease(queries, lease)
    await createRecordingRepository(queries).clearAudioUrl(id)
  })
  await leases.write(lease, async () => {
    await storage.remove(possibleKeys(userId, id))
    if (uploadId === null || audioUrl !== null) return // nothing is in staging
    const { key, sealedKey } = stagedUpload(session, uploadId)
    await storage.staging.remove([key, sealedKey])
  })
}
