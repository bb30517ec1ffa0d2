import type { Upload } from '../../../contract/recordings.ts'
import { unsupported } from '../../audio/detect-format.ts'
import { formatOfMediaType } from '../../audio/formats.ts'
import { invalidInput } from '../../errors.ts'
import { CACHE_SECONDS } from '../../storage/cache-control.ts'
import { quotaSetting, throwQuotaError } from '../../users/quotas.ts'
import { createUserRepository } from '../../users/repository.ts'
import type { SessionDependencies, SessionReference } from '../dependencies.ts'
import type { StoredSession } from '../repository.ts'
import { requireOwned } from '../require-owned.ts'
import {
  MAX_OPEN_UPLOADS,
  recordingExists,
  recordingTooLarge,
  tooManyUploads,
  uploadNotFound
} from './errors.ts'
import { createOpenUploads } from './open-uploads.ts'
import { createRecordingRepository } from './recording-repository.ts'
import { announcedBytes, createUploadId, stagingKey } from './staged-upload.ts'

/** What the client announces. With `uploadId` it renews the token of that upload. */
type NewUpload = { contentType: string; bytes: number; uploadId?: string }

/**
 * Begins a direct upload, or renews the token of the open one: returns URLs of the staging bucket to which
 * the client sends the bytes. A new upload replaces the open one of the session. Its announced bytes count in
 * the quota until it expires, is deleted, or is completed. After that the bytes of the recording count.
 * @throws {ApiError} session_not_found; upload_not_found; recording_exists; unsupported_recording;
 * recording_too_large; quota_exceeded; invalid_input; storage_unavailable; database_unavailable
 */
export async function beginUpload(
  dependencies: SessionDependencies,
  reference: SessionReference,
  announced: NewUpload
): Promise<Upload> {
  const { staging } = dependencies.storage
  const format = formatOfMediaType(announced.contentType)
  if (!format) throw unsupported()
  const session = await requireOwned(dependencies.database.queries, reference)
  if (session.audioUrl) throw recordingExists()
  const uploadId = chooseId(dependencies, session, announced)
  const isRenewal = uploadId === session.uploadId
  const path = stagingKey(session, uploadId)
  const { url, token, expiresAt } = await staging.signUpload(path, { upsert: isRenewal })
  await openUpload(dependencies, session, { uploadId, isRenewal })
  return {
    uploadId,
    url,
    contentType: format.contentType,
    token,
    bucket: staging.bucket,
    path,
    cacheControl: String(CACHE_SECONDS),
    resumableUrl: staging.resumableUrl,
    expiresAt: expiresAt.toISOString()
  }
}

function chooseId(
  { maxRecordingBytes }: SessionDependencies,
  session: StoredSession,
  { bytes, uploadId }: NewUpload
): string {
  if (bytes > maxRecordingBytes) throw recordingTooLarge(bytes, maxRecordingBytes)
  if (uploadId === undefined) return createUploadId(bytes)
  if (uploadId !== session.uploadId) throw uploadNotFound()
  const before = announcedBytes(uploadId)
  if (bytes !== before) throw invalidInput('/bytes', `must be ${before}, as when the upload was begun`)
  return uploadId
}

async function openUpload(
  { database, quotas }: SessionDependencies,
  session: StoredSession,
  { uploadId, isRenewal }: { uploadId: string; isRenewal: boolean }
): Promise<void> {
  const recordingBytes = BigInt(announcedBytes(uploadId))
  const isOpen = await database
    .transaction(async (queries) => {
      await createUserRepository(queries).lock(session)
      const recordings = createRecordingRepository(queries)
      const uploads = createOpenUploads(queries)
      if ((await uploads.countOthers(session)) >= MAX_OPEN_UPLOADS) throw tooManyUploads()
      const isOpen = isRenewal
        ? await recordings.isOpen(session.id, uploadId)
        : await recordings.openUpload(session.id, { uploadId, recordingBytes }, quotaSetting(quotas))
      if (isOpen) await uploads.openOrExtend(session)
      return isOpen
    })
    .catch(throwQuotaError(quotas))
  // The session may also be deleted: the next call answers session_not_found.
  if (!isOpen) throw isRenewal ? uploadNotFound() : recordingExists()
}
