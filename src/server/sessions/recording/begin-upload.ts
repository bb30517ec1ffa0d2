import { randomUUID } from 'node:crypto'
import type { Upload } from '../../../contract/recordings.ts'
import { unsupported } from '../../audio/detect-format.ts'
import { formatOfMediaType } from '../../audio/formats.ts'
import { CACHE_SECONDS } from '../../storage/cache-life.ts'
import type { SessionDependencies, SessionReference } from '../dependencies.ts'
import { sessionNotFound } from '../errors.ts'
import { createSessionRepository } from '../repository.ts'
import { recordingExists, recordingTooLarge } from './errors.ts'
import { stagingKey } from './staged-upload.ts'

type NewUpload = { contentType: string; bytes: number }

/**
 * Begins a direct upload: returns a URL of the staging bucket to which the client sends the bytes. It stores
 * nothing.
 * @throws {ApiError} session_not_found; recording_exists; unsupported_recording; recording_too_large;
 * storage_unavailable; database_unavailable
 */
export async function beginUpload(
  { database, storage: { staging }, maxRecordingBytes }: SessionDependencies,
  { sub, id }: SessionReference,
  { contentType, bytes }: NewUpload
): Promise<Upload> {
  const format = formatOfMediaType(contentType)
  if (!format) throw unsupported()
  if (bytes > maxRecordingBytes) throw recordingTooLarge(bytes, maxRecordingBytes)
  const session = await createSessionRepository(database.queries).findOwned(id, sub)
  if (!session) throw sessionNotFound()
  if (session.audioUrl) throw recordingExists()
  // The announced length is part of the id, so that it need not be stored.
  const uploadId = `${randomUUID()}-${bytes}`
  const path = stagingKey(session, uploadId)
  const { url, token, expiresAt } = await staging.signUpload(path)
  return {
    uploadId,
    url,
    contentType: format.contentType,
    token,
    bucket: staging.bucket,
    path,
    cacheControl: String(CACHE_SECONDS),
    expiresAt: expiresAt.toISOString()
  }
}
