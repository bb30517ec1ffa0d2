import type { Queries } from '../database/client.ts'
import type { Position } from '../sessions/cursor.ts'
import { createSessionRepository, type StoredSession } from '../sessions/repository.ts'

/** Sessions that are read at once: each may have texts of 150 kB that are not read in pieces. */
const PAGE_SIZE = 20

/**
 * Yields the sessions of a user, newest first. It keeps one page in memory, and no connection while a reader is
 * slow. Sessions that are saved or deleted meanwhile may be left out.
 */
export async function* allSessions(queries: Queries, userId: string): AsyncGenerator<StoredSession> {
  const sessions = createSessionRepository(queries)
  let after: Position | null = null
  for (;;) {
    const page: Array<StoredSession & Position> = await sessions.findPage(userId, { after, limit: PAGE_SIZE })
    yield* page
    if (page.length < PAGE_SIZE) return
    after = page.at(-1) ?? null
  }
}
