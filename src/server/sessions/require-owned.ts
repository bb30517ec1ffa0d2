import type { Queries } from '../database/client.ts'
import type { SessionReference } from './dependencies.ts'
import { sessionNotFound } from './errors.ts'
import { createSessionRepository, type StoredSession } from './repository.ts'

/**
 * Finds a session of a user, without its large scores.
 * @throws {ApiError} session_not_found; database_unavailable
 */
export async function requireOwned(queries: Queries, { id, sub }: SessionReference): Promise<StoredSession> {
  const session = await createSessionRepository(queries).findOwned(id, sub)
  if (!session) throw sessionNotFound()
  return session
}
