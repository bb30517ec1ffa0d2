import type { Queries } from '../database/client.ts'
import { keyOf } from '../storage/recording-keys.ts'

const PAGE_SIZE = 1000
const NIL = '00000000-0000-0000-0000-000000000000'

/** A session and the key of its recording. */
export type RecordedSession = { userId: string; sessionId: string; key: string }

type Row = { userId: string; sessionId: string; audioUrl: string | null }

/**
 * Yields the sessions with a recording, sorted by user and id, from the user `fromUser` on. It keeps one page
 * in memory. The index of the history yields the users in order, so PostgreSQL sorts the sessions of one user
 * at a time. Sessions without a recording are read, too: where few have one, a statement that skipped them would
 * pass over the whole table to fill its page.
 */
export async function* recordedSessions(queries: Queries, fromUser = NIL): AsyncGenerator<RecordedSession> {
  let page: Row[]
  let last = { userId: NIL, sessionId: NIL }
  do {
    page = await queries.$queryRaw<Row[]>`
      SELECT user_id AS "userId", id AS "sessionId", audio_url AS "audioUrl" FROM sessions
      WHERE user_id >= ${fromUser}::uuid
        AND (user_id, id) > (${last.userId}::uuid, ${last.sessionId}::uuid)
      ORDER BY user_id, id LIMIT ${PAGE_SIZE}::int`
    for (const { audioUrl, ...session } of page) {
      if (audioUrl !== null) yield { ...session, key: keyOf(audioUrl) }
    }
    last = page.at(-1) ?? last
  } while (page.length === PAGE_SIZE)
}

/** Whether the session still has this recording. */
export async function isRecorded(queries: Queries, { sessionId, key }: RecordedSession): Promise<boolean> {
  const row = await queries.session.findUnique({ where: { id: sessionId }, select: { audioUrl: true } })
  return row?.audioUrl != null && keyOf(row.audioUrl) === key
}

/**
 * Whether a session refers to this recording: the session with the id in its key, of any user, or any session
 * of the user in its key.
 */
export async function isReferredTo(
  queries: Queries,
  { userId, sessionId, key }: RecordedSession
): Promise<boolean> {
  const rows = await queries.$queryRaw<unknown[]>`
    SELECT FROM sessions
    WHERE (id = ${sessionId}::uuid OR user_id = ${userId}::uuid) AND audio_url LIKE ${`%/${key}`}
    LIMIT 1`
  return rows.length > 0
}
