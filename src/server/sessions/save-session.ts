import { randomUUID } from 'node:crypto'
import { recordingKey } from '../storage/recording-keys.ts'
import { createUserRepository } from '../users/repository.ts'
import { findStoredSave, type Save, type Saved } from './commit-save.ts'
import { digestContent, digestUndated } from './content-digest.ts'
import type { Recording, SessionContent } from './content.ts'
import type { SessionDependencies } from './dependencies.ts'
import { isUserDeleted, notSynced } from './errors.ts'
import type { NewRow } from './save-repository.ts'
import { commitOrResolve } from './commit-or-resolve.ts'

/** The user of a token, and the end of the time for sending a recording to the storage. */
type Caller = Pick<Save, 'sub'> & { deadline: () => AbortSignal }

/**
 * Saves a session, all or nothing: after success row, recording and streak are stored. After an error none of them
 * is, except that an outage of the database may leave the outcome unknown.
 *
 * The recording is uploaded first, under a lease on the session id and without a database connection. Then
 * one statement writes the row, ends the lease, and extends the streak or marks it as unknown. A process that dies
 * in between leaves an object without a row, which the clean-up removes, and never a row without its object.
 *
 * @throws {ApiError} user_not_synced; id_reused when other content is stored, or being saved, under the id;
 * session_busy; quota_exceeded; recording_too_large or unsupported_recording if the storage refuses the recording;
 * storage_unavailable; database_unavailable; the reason of `deadline`
 */
export async function saveSession(
  dependencies: SessionDependencies,
  { sub, deadline }: Caller,
  content: SessionContent
): Promise<Saved> {
  const { now } = dependencies
  if (content.recording) {
    return saveWithRecording(dependencies, { sub, deadline, content }, content.recording).catch((error) => {
      throw isUserDeleted(error) ? notSynced() : error
    })
  }
  return commitOrResolve(dependencies, { sub, content, row: toRow(content, now()) })
}

/**
 * The row of a session without a recording. Each member is listed, because a copy by `...` takes 10 µs in
 * Node.js 20.
 */
function toRow(content: SessionContent, now: Date): NewRow {
  return {
    id: content.id ?? randomUUID(),
    date: content.date ?? now,
    songName: content.songName,
    instrument: content.instrument,
    durationSeconds: content.durationSeconds,
    xmlContent: content.xmlContent,
    notes: content.notes,
    analysisSummary: content.analysisSummary,
    analysisFeedback: content.analysisFeedback,
    scoreAccuracy: content.scoreAccuracy,
    markedXml: content.markedXml,
    contentDigest: digestContent(content),
    audioUrl: null,
    recordingSha256: null,
    recordingBytes: null
  }
}

async function saveWithRecording(
  dependencies: SessionDependencies,
  { sub, deadline, content }: Caller & Pick<Save, 'content'>,
  { bytes, sha256, stream, format }: Recording
): Promise<Saved> {
  const { database, storage, leases, now } = dependencies
  const userId = await createUserRepository(database.queries).findId(sub)
  if (!userId) throw notSynced()
  const row = toRow(content, now())
  const purpose = { sessionId: row.id, userId, contentDigest: digestUndated(content) }
  return leases.withLease(purpose, async (lease) => {
    // An id that was generated here cannot have been saved before.
    const repeated =
      content.id === undefined ? null : await findStoredSave(dependencies, { sub, content, row })
    if (repeated) return repeated
    const key = recordingKey(userId, row.id, format)
    await leases.write(lease, (lost) => {
      const signal = AbortSignal.any([lost, deadline()])
      return storage.upload({ key, bytes, stream, contentType: format.contentType, signal })
    })
    // The commit ends the lease. If the commit fails, commitOrResolve ends it.
    lease.isKept = true
    const audioUrl = storage.publicUrl(key)
    const recorded = { ...row, audioUrl, recordingSha256: sha256, recordingBytes: BigInt(bytes) }
    return commitOrResolve(dependencies, { sub, content, row: recorded }, { lease, userId, key })
  })
}
