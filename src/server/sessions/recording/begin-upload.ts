import type { Upload } from '../../../contract/recordings.ts'
import { unsupported } from '../../audio/detect-format.ts'
import { formatOfMediaType } from '../../audio/formats.ts'
import { invalidInput } from '../../errors.ts'
import { CACHE_SECONDS } from '../../storage/cache-life.ts'
import { createUserRepository } from '../../users/repository.ts'
import type { SessionDependencies, SessionReference } from '../dependencies.ts'
import { sessionNotFound } from '../errors.ts'
import { createSessionRepository, type StoredSession } from '../repository.ts'
import { recordingExists, recordingTooLarge, uploadNotFound } from './errors.ts'
import { announcedBytes, createUploadId, stagingKey } from './staged-upload.ts'

/** What the client announces. With `uploadId` it renews the token of that upload. */
type NewUpload = { contentType: string; bytes: number; uploadId?: string }

/**
 * Begins a direct upload, or renews the token of the open one: returns URLs of the staging bucket to which
 * the client sends the bytes. A new upload replaces the open one of the session.
 * @throws {ApiError} session_not_found; upload_not_found; recording_exists; unsupported_recording;
 * recording_too_large; invalid_input; storage_unavailable; database_unavailable
 */
export async function beginUpload(
  dependencies: SessionDependencies,
  reference: SessionReference,
  announced: NewUpload
): Promise<Upload> {
  const { staging } = dependencies.storage
  const format = formatOfMediaType(announced.contentType)
  if (!format) throw unsupported()
  const session = await findSession(dependencies, reference)
  const uploadId = chooseId(dependencies, session, announced)
  const isRenewal = uploadId === session.uploadId
  const path = stagingKey(session, uploadId)
  const { url, token, expiresAt } = await staging.signUpload(path, { upsert: isRenewal })
  if (!isRenewal) await openUpload(dependencies, session, uploadId)
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

async function findSession(
  { database }: SessionDependencies,
  { sub, id }: SessionReference
): Promise<StoredSession> {
  const session = await createSessionRepository(database.queries).findOwned(id, sub)
  if (!session) throw sessionNotFound()
  if (session.audioUrl) throw recordingExists()
  return session
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
  { database }: SessionDependencies,
  { id, userId }: StoredSession,
  uploadId: string
): Promise<void> {
  const isOpen = await database.transaction(async (queries) => {
    await createUserRepository(queries).lock({ userId })
    return createSessionRepository(queries).openUpload(id, uploadId)
  })
  if (!isOpen) throw recordingExists() // attached meanwhile, or deleted: the next call tells
}
