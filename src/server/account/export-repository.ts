import type { Database } from '../database/client.ts'
import { defineStatement } from '../database/statement-runner.ts'
import { createSessionRepository, type StoredSession } from '../sessions/repository.ts'

/** Sessions that are read at once: each may have texts of 150 kB that are not read in pieces. */
const PAGE_SIZE = 20
/** Characters of an id and its separator. */
const ID_LENGTH = 37

const idsStatement = defineStatement(
  'export-ids',
  `SELECT string_agg(id::text, ',' ORDER BY date DESC, id) AS ids FROM sessions WHERE user_id = $1::uuid`
)

/**
 * Finds the sessions that a user has now. Their ids are read at once, so that a session whose date is edited meanwhile
 * comes exactly once. They are one string of 37 bytes for each; an array would take twice the memory.
 * @returns a function that reads the sessions, newest first, without those that were deleted meanwhile. It keeps one
 * page in memory, and no connection while a reader is slow.
 */
export async function findSessions(
  { queries, run }: Pick<Database, 'queries' | 'run'>,
  userId: string
): Promise<() => AsyncGenerator<StoredSession>> {
  const sessions = createSessionRepository(queries)
  const [row] = await run<{ ids: string | null }>(idsStatement, [userId])
  const ids = row?.ids ?? ''
  return async function* () {
    for (let at = 0; at < ids.length; at += PAGE_SIZE * ID_LENGTH) {
      const page = ids.slice(at, at + PAGE_SIZE * ID_LENGTH - 1).split(',')
      yield* await sessions.findMany(userId, page)
    }
  }
}
