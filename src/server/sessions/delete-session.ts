import type { Queries } from '../database/client.ts'
import { possibleKeys } from '../storage/recording-keys.ts'
import { refreshStreak } from '../users/streak-repository.ts'
import { confirm, giveUp, consumeDeletion, type Lease } from './leases.ts'
import { createSessionRepository, mayHaveObject, type SessionHead } from './repository.ts'
import type { SessionDependencies } from './dependencies.ts'
import { sessionNotFound } from './errors.ts'
import { createUserRepository } from '../users/repository.ts'

/**
 * Deletes a session with its recording, or the recording alone: the URL is cleared first, then the object removed,
 * then the row deleted and the streak counted. Whatever fails in between leaves a session without a recording, and
 * repeating finishes the work.
 */
export function createDeletions(dependencies: SessionDependencies) {
  const { database, storage, leases, now, defaultTimeZone } = dependencies
  const sessions = createSessionRepository(database.queries)

  /** Removes the recording, then does what `finish` says, all under the lease of the session. */
  async function removeRecording(
    sub: string,
    id: string,
    finish: (session: SessionHead, lease: Lease) => Promise<void>
  ): Promise<void> {
    const seen = await sessions.findOwned(id, sub)
    if (!seen) throw sessionNotFound()
    const lease = await leases.acquire({ sessionId: id, userId: seen.userId, contentDigest: null })
    let isRemoving = false
    try {
      // Again: another deletion may have been waited for, and a save after it.
      const session = await sessions.findOwned(id, sub)
      if (!session) throw sessionNotFound()
      if (mayHaveObject(session)) {
        await clearAudioUrl(session, lease)
        isRemoving = true
        await leases.withHeartbeat(lease, () => storage.remove(possibleKeys(session.userId, id)))
      }
      await finish(session, lease)
    } catch (error) {
      // A removal that was sent may still happen: saves wait until the lease expires, a repeated deletion need not.
      await giveUp(dependencies, lease, isRemoving || lease.isInherited ? 'abandon' : 'release', error)
      throw error
    }
  }

  async function clearAudioUrl({ id }: SessionHead, lease: Lease) {
    await database.transaction(async (queries) => {
      await confirm(queries, lease)
      await createSessionRepository(queries).clearAudioUrl(id)
    })
  }

  async function deleteRow(
    queries: Queries,
    sub: string,
    { id, userId }: SessionHead,
    lease: Lease
  ): Promise<boolean> {
    const sessions = createSessionRepository(queries)
    await createUserRepository(queries).lock(userId)
    await consumeDeletion(queries, lease)
    const isDeleted = await sessions.delete(id, userId)
    await refreshStreak(queries, { sub, defaultTimeZone, now: now() })
    return isDeleted
  }

  return {
    /** @throws {ApiError} session_not_found; session_busy; storage_unavailable; database_unavailable */
    async deleteSession(sub: string, id: string): Promise<void> {
      await removeRecording(sub, id, async (session, lease) => {
        if (!(await database.transaction((queries) => deleteRow(queries, sub, session, lease)))) {
          throw sessionNotFound()
        }
      })
    },

    /** The session stays. @throws {ApiError} as `deleteSession` */
    async deleteRecording(sub: string, id: string): Promise<void> {
      await removeRecording(sub, id, (session, lease) =>
        database.transaction(async (queries) => {
          await consumeDeletion(queries, lease)
          await createSessionRepository(queries).forgetRecording(session.id)
        })
      )
    }
  }
}
