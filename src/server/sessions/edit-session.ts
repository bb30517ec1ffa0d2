import { ApiError } from '../errors.ts'
import type { ContentChanges } from './content.ts'
import type { SessionDependencies, SessionReference } from './dependencies.ts'
import { createEditRepository } from './edit-repository.ts'
import { sessionBusy, sessionNotFound } from './errors.ts'
import { quotaSetting, throwQuotaError } from '../users/quotas.ts'
import { recountStreak } from './recount-streak.ts'

type Edit = {
  changes: ContentChanges
  /** The revisions that the session may have before the edit; null allows each one. */
  revisions: number[] | null
}

/** `editSession` with its dependencies bound. */
export type EditSession = (reference: SessionReference, edit: Edit) => Promise<void>

/**
 * Edits a session: members that are not in `changes` stay. An edit that changes nothing writes nothing. The
 * figures of the user are right afterwards, also when a session has moved to another day.
 * @throws {ApiError} session_not_found; session_busy during a deletion; precondition_failed when the session has
 * another revision; quota_exceeded; database_unavailable, where the outcome is unknown
 */
export async function editSession(
  dependencies: SessionDependencies,
  { sub, id }: SessionReference,
  { changes, revisions }: Edit
): Promise<void> {
  const { database, quotas } = dependencies
  const edited = await createEditRepository(database.run)
    .edit({
      sub,
      id,
      revisions,
      changes,
      lockTimeoutMs: database.timeoutMs,
      quotas: quotaSetting(quotas)
    })
    .catch(throwQuotaError(quotas))
  if (!edited) throw sessionNotFound()
  if (!edited.isAllowed) throw preconditionFailed()
  if (edited.isBeingDeleted) throw sessionBusy()
  if (edited.isChanged) await recountStreak(dependencies, sub)
}

const preconditionFailed = () =>
  new ApiError(
    'precondition_failed',
    'The session was changed since you read it. Read it again, then send your changes with its new ETag.'
  )
