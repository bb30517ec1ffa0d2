import type { SessionReference } from './dependencies.ts'
import { sessionNotFound } from './errors.ts'
import type { createSessionRepository, StoredSession } from './repository.ts'
import type { createSessionJsonRepository } from './session-json-repository.ts'

type Dependencies = {
  sessionsAsJson: ReturnType<typeof createSessionJsonRepository>
  sessions: ReturnType<typeof createSessionRepository>
}

/** `session`: its JSON, or its row if a score is too large for one string. */
export type ReadSession = { session: string | StoredSession; revision: number }

/**
 * Reads one session of a user.
 * @throws {ApiError} session_not_found; database_unavailable
 */
export async function readSession(
  { sessionsAsJson, sessions }: Dependencies,
  { id, sub }: SessionReference
): Promise<ReadSession> {
  const found = await sessionsAsJson.find(id, sub)
  if (found?.json) return { session: found.json, revision: found.revision }
  const session = found && (await sessions.findOwned(id, sub))
  if (!session) throw sessionNotFound()
  return { session, revision: session.revision }
}
