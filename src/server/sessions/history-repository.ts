import { defineStatement, type RunStatement } from '../database/statement-runner.ts'
import type { Position } from './cursor.ts'

/** A piece of a user's history, newest first. */
export type HistoryPage = {
  /** JSON array of the wire's list items, as PostgreSQL builds it. */
  items: string
  /** Position of the last item if older ones follow; null at the end of the history. */
  next: Position | null
  version: HistoryVersion
}

/** Changes with every write to the user's sessions. `revision` is `users.revision`. */
export type HistoryVersion = { userId: string; revision: string }

/** `limit`: in rows; `after`: the position of the row before the first one. */
export type HistoryQuery = { sub: string; after?: Position | undefined; limit: number }

type Row = HistoryVersion & {
  items: string | null
  /** Position of the last item; null if there are fewer items than asked for. */
  lastId: string | null
  lastMicros: string
  hasMore: boolean
}

const AFTER_POSITION = `
        AND date <= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
        AND (date < timestamptz 'epoch' + $3::bigint * interval '1 microsecond' OR id > $4::uuid)`

const historyText = (condition: string) => `
  SELECT u.id AS "userId", u.revision, items, last_id AS "lastId",
    (extract(epoch FROM last_date) * 1000000)::bigint AS "lastMicros",
    last_id IS NOT NULL AND EXISTS (
      SELECT FROM sessions WHERE user_id = u.id AND date <= last_date AND (date < last_date OR id > last_id)
    ) AS "hasMore"
  FROM users u, LATERAL (
    SELECT json_agg(item)::text AS items, min(session.date) AS last_date, (array_agg(session.id))[$2] AS last_id
    FROM (
      SELECT id, song_name, instrument, date, duration_seconds, audio_url, score_accuracy FROM sessions
      WHERE user_id = u.id${condition}
      ORDER BY date DESC, id LIMIT $2
    ) AS session, LATERAL (
      SELECT id, song_name, instrument, to_char(date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS date,
        duration_seconds, audio_url, score_accuracy
    ) AS item
  ) AS piece
  WHERE u.auth0_id = $1`

/** Exported for the test of their plans. */
export const newestStatement = defineStatement('history', historyText(''))
export const olderStatement = defineStatement('history-after', historyText(AFTER_POSITION))

const versionStatement = defineStatement(
  'history-version',
  'SELECT id AS "userId", revision FROM users WHERE auth0_id = $1'
)

/** Changes when the list items get another form. */
export const HISTORY_FORM = newestStatement.name

export type HistoryRepository = ReturnType<typeof createHistoryRepository>

/** The SQL of the history. PostgreSQL writes the JSON. */
export const createHistoryRepository = (run: RunStatement) => ({
  /** @returns null for a user who was never synced */
  async find({ sub, after, limit }: HistoryQuery): Promise<HistoryPage | null> {
    const [row] = after
      ? await run<Row>(olderStatement, [sub, limit, after.micros, after.id])
      : await run<Row>(newestStatement, [sub, limit])
    if (!row) return null
    const { items, lastId, lastMicros, hasMore, userId, revision } = row
    const next = hasMore && lastId !== null ? { micros: lastMicros, id: lastId } : null
    return { items: items ?? '[]', next, version: { userId, revision } }
  },

  /** @returns null for a user who was never synced */
  async findVersion(sub: string): Promise<HistoryVersion | null> {
    const [row] = await run<HistoryVersion>(versionStatement, [sub])
    return row ?? null
  }
})
