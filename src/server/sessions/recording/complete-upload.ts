import { createHash } from 'node:crypto'
import type { AudioFormat } from '../../audio/formats.ts'
import { recordingKey } from '../../storage/recording-keys.ts'
import { quotaSetting, throwQuotaError } from '../../users/quotas.ts'
import { createUserRepository } from '../../users/repository.ts'
import type { SessionDependencies, SessionReference } from '../dependencies.ts'
import { isRefusal, sessionBusy } from '../errors.ts'
import { confirmLease, consumeLease, type Lease } from '../leases/lease.ts'
import type { StoredSession } from '../repository.ts'
import { requireOwned } from '../require-owned.ts'
import { uploadNotFound } from './errors.ts'
import { createOpenUploads } from './open-uploads.ts'
import { createRecordingRepository } from './recording-repository.ts'
import { stagedUpload, type StagedUpload } from './staged-upload.ts'
import { verifyUpload } from './verify-upload.ts'

/** The upload, the session that it is for, and the lease under which it is published. */
type Publication = { upload: StagedUpload; session: StoredSession; lease: Lease }

/** A publication, and how the caller named its session. */
type Attachment = Publication & { reference: SessionReference }

/**
 * Verifies a direct upload, publishes it and attaches it to its session
 * (docs/decisions/0003-staging-of-direct-uploads.md). It can be repeated, even after it has succeeded.
 *
 * The order of the steps keeps unverified bytes private. The upload is sealed and verified, then copied to
 * the bucket of recordings. Only then the session gets its `audio_url`. The sealed object is removed last, so
 * that each step can be repeated after a failure.
 *
 * @throws {ApiError} session_not_found; upload_not_found; upload_incomplete; unsupported_recording;
 * recording_too_large; quota_exceeded; session_busy; storage_unavailable; database_unavailable
 */
export async function completeUpload(
  dependencies: SessionDependencies,
  reference: SessionReference,
  uploadId: string
): Promise<StoredSession> {
  const session = await requireOwned(dependencies.database.queries, reference)
  const upload = stagedUpload(session, uploadId)
  const attached = session.audioUrl
    ? confirmAttached(session, upload)
    : await attachUnderLease(dependencies, reference, { session, upload })
  await removeSealed(dependencies, upload)
  return attached
}

/** Returns the session if `upload` is the one that was attached to it. */
function confirmAttached(session: StoredSession, { uploadId, bytes }: StagedUpload): StoredSession {
  const { recordingSha256, recordingBytes } = session
  // The previous release stored no id. Recordings that were saved with their session have a digest.
  const isAlike = session.uploadId === null && recordingSha256 === null && recordingBytes === BigInt(bytes)
  if (session.uploadId !== uploadId && !isAlike) throw uploadNotFound()
  return session
}

/** Refuses an upload that was not begun, or that another one has replaced. */
async function requireBegun(
  { storage: { staging } }: SessionDependencies,
  session: StoredSession,
  { uploadId, key, sealedKey }: StagedUpload
): Promise<void> {
  if (session.uploadId === uploadId) return
  // The previous release stored no id, but only an upload that was begun can have an object.
  const hasArrived =
    session.uploadId === null && ((await staging.find(key)) ?? (await staging.find(sealedKey))) !== null
  if (!hasArrived) throw uploadNotFound()
}

function attachUnderLease(
  dependencies: SessionDependencies,
  reference: SessionReference,
  { session: { id, userId }, upload }: Omit<Publication, 'lease'>
): Promise<StoredSession> {
  const contentDigest = createHash('sha256').update(upload.key).digest('hex')
  const purpose = { sessionId: id, userId, contentDigest, waitsForOthers: true }
  return dependencies.leases.withLease(purpose, async (lease) => {
    // Read again: this request may have waited for a deletion or for another upload.
    const session = await requireOwned(dependencies.database.queries, reference)
    if (session.audioUrl) return confirmAttached(session, upload)
    await requireBegun(dependencies, session, upload)
    return attach(dependencies, { reference, session, upload, lease })
  })
}

/** @returns the session as it is then: an edit may have changed it while the upload was verified */
async function attach(dependencies: SessionDependencies, attachment: Attachment): Promise<StoredSession> {
  const { database, leases, quotas, storage } = dependencies
  const { reference, session, upload, lease } = attachment
  const format = await leases.withHeartbeat(lease, (signal) => verifyUpload(dependencies, upload, signal))
  const key = await leases.write(lease, () => publish(dependencies, attachment, format))
  const recording = { audioUrl: storage.publicUrl(key), ...recordingOf(upload) }
  return database
    .transaction(async (queries) => {
      await createUserRepository(queries).lock(session)
      await consumeLease(queries, lease)
      const recordings = createRecordingRepository(queries)
      const isAttached = await recordings.attach(session.id, recording, quotaSetting(quotas))
      if (!isAttached) throw uploadNotFound() // replaced meanwhile
      await createOpenUploads(queries).end(session.id)
      return requireOwned(queries, reference)
    })
    .catch(throwQuotaError(quotas))
    .catch(async (error) => {
      // The session has refused the recording, so nothing refers to the published object.
      if (isRefusal(error)) await leases.undoWrite(lease, () => storage.remove([key]))
      throw error
    })
}

const recordingOf = ({ uploadId, bytes }: StagedUpload) => ({ uploadId, recordingBytes: BigInt(bytes) })

/** @returns the key of the recording */
async function publish(
  { database, storage, leases, quotas }: SessionDependencies,
  { session, upload, lease }: Publication,
  format: AudioFormat
): Promise<string> {
  await database
    .transaction(async (queries) => {
      await createUserRepository(queries).lock(session)
      await confirmLease(queries, lease)
      const recordings = createRecordingRepository(queries)
      const recording = recordingOf(upload)
      const isCurrent = await recordings.storeBytes(session.id, recording, quotaSetting(quotas))
      if (!isCurrent) throw uploadNotFound() // replaced meanwhile
    })
    .catch(throwQuotaError(quotas))
  const target = recordingKey(session.userId, session.id, format)
  const copy = () => storage.staging.publish(upload.sealedKey, target, format.contentType)
  if (!(await copy())) {
    // An earlier request has left an object. No session refers to it, because this request holds the lease.
    if (!(await leases.undoWrite(lease, () => storage.remove([target])))) throw sessionBusy()
    if (!(await copy())) throw sessionBusy()
  }
  return target
}

async function removeSealed(
  { storage: { staging }, log }: SessionDependencies,
  { sealedKey }: StagedUpload
): Promise<void> {
  await staging.remove([sealedKey]).catch((error) => {
    log.warn({ err: error }, 'A published recording is still in staging; the clean-up will remove it')
  })
}
