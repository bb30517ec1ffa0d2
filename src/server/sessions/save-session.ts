import { randomUUID } from 'node:crypto'
import { ApiError } from '../errors.ts'
import { sqlState, withTimeLimit } from '../database/errors.ts'
import { recordingKey } from '../storage/recording-keys.ts'
import { createUserRepository } from '../users/repository.ts'
import { refreshStreak } from '../users/streak-repository.ts'
import { giveUp, isOutage, consume, type Lease } from './leases.ts'
import { digestContent, isSameContent, type Recording, type SessionContent } from './content.ts'
import type { SessionDependencies } from './dependencies.ts'
import { createSessionRepository, type SessionRow } from './repository.ts'

export type SaveSession = ReturnType<typeof createSaveSession>

export type Saved = { session: SessionRow; created: boolean }

/**
 * Saves a session, all or nothing: after success row, recording and streak are there, after an error none of them is.
 *
 * The recording goes to the bucket first, under a lease on the session id and without a connection held; then one
 * transaction writes the row, consumes the lease and counts the streak. Dying in between leaves an object without a
 * row, which reconciliation removes, and never a row without its object.
 */
export function createSaveSession(dependencies: SessionDependencies) {
  const { database, storage, leases, now, defaultTimeZone, log } = dependencies
  const sessions = createSessionRepository(database.queries)

  /**
   * @throws {ApiError} user_not_synced; id_reused when the id holds, or is getting, other content; session_busy;
   * storage_unavailable; database_unavailable
   */
  return async function saveSession(sub: string, content: SessionContent): Promise<Saved> {
    const userId = await createUserRepository(database.queries).findId(sub)
    if (!userId) throw notSynced()
    const row = toRow(content, userId)
    const repeated = await findEarlier(content, row)
    if (repeated) return repeated
    if (content.recording) return saveRecorded(sub, content, content.recording, row)
    return settled(commit(sub, content, row), (error) => settle(error, content, row))
  }

  function toRow({ recording, ...content }: SessionContent, userId: string): SessionRow {
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

  /** Of an id that was chosen here there is nothing to find. */
  async function findEarlier(content: SessionContent, row: SessionRow): Promise<Saved | null> {
    return content.id === undefined ? null : findRepeated(content, row)
  }

  async function findRepeated(content: SessionContent, { id, userId }: SessionRow): Promise<Saved | null> {
    const stored = await sessions.find(id)
    if (!stored) return null
    if (stored.userId !== userId || !isSameContent(content, stored)) {
      throw new ApiError('id_reused', 'Another session has this id. Choose a new id.')
    }
    return { session: stored, created: false }
  }

  async function saveRecorded(
    sub: string,
    content: SessionContent,
    recording: Recording,
    row: SessionRow
  ): Promise<Saved> {
    const { id: sessionId, userId } = row
    const lease = await leases.acquire({ sessionId, userId, contentDigest: digestContent(content) })
    const repeated = await findEarlier(content, row).catch(async (error) => {
      await giveUp(dependencies, lease, 'release', error)
      throw error
    })
    if (repeated) {
      await giveUp(dependencies, lease, 'release')
      return repeated
    }
    const key = recordingKey(userId, sessionId, recording.format)
    await upload(lease, key, recording)
    return settled(commit(sub, content, row, lease), (error) => undo(error, lease, key, content, row))
  }

  async function upload(lease: Lease, key: string, { bytes, stream, format: { contentType } }: Recording) {
    try {
      await leases.withHeartbeat(lease, (signal) =>
        storage.upload({ key, bytes, stream, contentType, signal })
      )
    } catch (error) {
      // Refused: nothing is on its way. Otherwise what was sent may still arrive; an equal save may repeat it at once.
      const isRefused = error instanceof ApiError && error.statusCode < 500
      await giveUp(dependencies, lease, isRefused ? 'release' : 'abandon', error)
      throw error
    }
  }

  /**
   * What a commit comes to, where it failed after a look at what became of it. Both together have the database's time
   * limit; what is left to find out or to clean up after it goes on behind the answer.
   */
  async function settled(
    commit: Promise<Saved>,
    onFailure: (error: unknown) => Promise<Saved>
  ): Promise<Saved> {
    const deadline = Date.now() + database.timeoutMs
    return commit.catch((error) => withTimeLimit(onFailure(error), deadline - Date.now()))
  }

  async function commit(
    sub: string,
    content: SessionContent,
    row: SessionRow,
    lease?: Lease
  ): Promise<Saved> {
    try {
      await database.transaction(async (queries) => {
        const sessions = createSessionRepository(queries)
        // In this order: the deletion of a user locks the user, and then the leases. The lock on the user comes last,
        // because the user's other saves wait for it.
        if (!(await sessions.insert(row))) throw new IdTaken()
        if (lease) await consume(queries, lease)
        await createUserRepository(queries).lock(row.userId)
        await refreshStreak(queries, { sub, defaultTimeZone, now: now() })
      })
      return { session: row, created: true }
    } catch (error) {
      if (sqlState(error) === FOREIGN_KEY_VIOLATION) throw notSynced() // and synced no more: the user is gone
      if (!(error instanceof IdTaken)) throw error
    }
    const repeated = await findRepeated(content, row)
    if (repeated) return repeated
    throw new ApiError('session_busy', 'The session was deleted at the same moment. Try again.')
  }

  /**
   * The commit failed, or its outcome is unknown. The object goes only when it is certain that the row is not there
   * and cannot come: rotating the lease waits for a transaction in doubt and bars it from consuming afterwards.
   * Where the removal is in doubt too, the lease is left to expire, so that it cannot hit the object of a later save.
   */
  async function undo(
    error: unknown,
    lease: Lease,
    key: string,
    content: SessionContent,
    row: SessionRow
  ): Promise<Saved> {
    const rotated = await leases.rotateToken(lease).catch(() => undefined)
    if (rotated === undefined) throw error // the database is away: reconciliation will find what is left
    if (rotated === null) {
      const saved = await findRepeated(content, row).catch(() => null)
      if (saved) return { ...saved, created: isOutage(error) }
      throw error
    }
    try {
      await leases.withHeartbeat(rotated, () => storage.remove([key]))
      await leases.release(rotated)
    } catch (cause) {
      log.warn({ err: cause }, 'A recording may be left without its session; reconciliation will find it')
    }
    throw error
  }

  /**
   * The same for a save without recording, so without lease: a transaction in doubt holds the lock on its user, so
   * whoever gets that lock next sees what became of it.
   */
  async function settle(error: unknown, content: SessionContent, row: SessionRow): Promise<Saved> {
    if (!isOutage(error)) throw error
    await database
      .transaction((queries) => createUserRepository(queries).lock(row.userId))
      .catch(() => {
        throw error
      })
    const saved = await findRepeated(content, row).catch(() => null)
    if (!saved) throw error
    return { ...saved, created: true }
  }
}

/** SQLSTATE (PostgreSQL manual, appendix A). */
const FOREIGN_KEY_VIOLATION = '23503'

/** Rolls the transaction back: a row with this id was there first. */
class IdTaken extends Error {}

const notSynced = () => new ApiError('user_not_synced', 'Call POST /api/users/sync once, then save again.')
