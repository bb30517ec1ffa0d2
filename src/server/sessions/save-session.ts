import { randomUUID } from 'node:crypto'
import { recordingKey } from '../storage/recording-keys.ts'
import { createUserRepository } from '../users/repository.ts'
import { findStoredSave, notSynced, type Save, type Saved } from './commit-save.ts'
import { digestContent, type Recording, type SessionContent } from './content.ts'
import type { SessionDependencies } from './dependencies.ts'
import type { SessionRow } from './repository.ts'
import { commitOrResolve } from './resolve-unknown-outcome.ts'

/** `saveSession` with its dependencies bound. */
export type SaveSession = (sub: string, content: SessionContent) => Promise<Saved>

/**
 * Saves a session, all or nothing: after success row, recording and streak are stored, after an error none of
 * them is.
 *
 * The recording is uploaded first, under a lease on the session id and without a database connection. Then
 * one transaction writes the row, consumes the lease and counts the streak. A process that dies in between
 * leaves an object without a row, which reconciliation removes, and never a row without its object.
 *
 * @throws {ApiError} user_not_synced; id_reused when the id holds, or is getting, other content;
 * session_busy; storage_unavailable; database_unavailable
 */
export async function saveSession(
  dependencies: SessionDependencies,
  sub: string,
  content: SessionContent
): Promise<Saved> {
  const userId = await createUserRepository(dependencies.database.queries).findId(sub)
  if (!userId) throw notSynced()
  const save = { sub, content, row: toRow(dependencies, content, userId) }
  const repeated = await findRepeated(dependencies, save)
  if (repeated) return repeated
  return content.recording
    ? saveWithRecording(dependencies, save, content.recording)
    : commitOrResolve(dependencies, save)
}

function toRow(
  { storage, now }: SessionDependencies,
  { recording, ...content }: SessionContent,
  userId: string
): SessionRow {
  const id = content.id ?? randomUUID()
  return {
    ...content,
    id,
    userId,
    date: content.date ?? now(),
    audioUrl: recording && storage.publicUrl(recordingKey(userId, id, recording.format)),
    recordingSha256: recording?.sha256 ?? null,
    recordingBytes: recording && BigInt(recording.bytes)
  }
}

/** An id that was generated here cannot have been saved before. */
const findRepeated = async (dependencies: SessionDependencies, save: Save): Promise<Saved | null> =>
  save.content.id === undefined ? null : findStoredSave(dependencies, save)

async function saveWithRecording(
  dependencies: SessionDependencies,
  save: Save,
  recording: Recording
): Promise<Saved> {
  const { storage, leases } = dependencies
  const { id: sessionId, userId } = save.row
  const contentDigest = digestContent(save.content)
  return leases.withLease({ sessionId, userId, contentDigest }, async (lease) => {
    // Again: an equal save may have been waited for.
    const repeated = await findRepeated(dependencies, save)
    if (repeated) return repeated
    const key = recordingKey(userId, sessionId, recording.format)
    const { bytes, stream, format } = recording
    await leases.write(lease, (signal) =>
      storage.upload({ key, bytes, stream, contentType: format.contentType, signal })
    )
    // From here on the transaction ends the lease or, if it fails, commitOrResolve.
    lease.isKept = true
    return commitOrResolve(dependencies, save, { lease, key })
  })
}
