import { defineStatement, type RunStatement } from '../database/statement-runner.ts'
import type { Position } from '../sessions/cursor.ts'
import { definePieceStatement, readInPieces } from '../sessions/text-pieces.ts'

/** Rows with more bytes of text than this are sent text by text. */
const SMALL_BYTES = 64 * 1024
/** Bytes of text after which a piece of the history ends. */
const PIECE_BYTES = 512 * 1024
/** Most rows of a piece. */
const PIECE_ROWS = 250

/** The texts of a row, by the frontend's names. It shows feedback only where there is a summary. */
const TEXTS = {
  xml_content: 'xml_content',
  analysis_summary: "coalesce(nullif(analysis_summary, ''), analysis_feedback)",
  analysis_feedback: 'analysis_feedback'
} as const

export type TextName = keyof typeof TEXTS

/** A row of the frontend's history, without `audio_url`. */
export type HistoryRow = {
  id: string
  userId: string
  revision: number
  /** The canonical URL. */
  audioUrl: string | null
  micros: string
  /** JSON object with the texts, or without them where they are large. */
  json: string
  isWhole: boolean
  /** Length of each text in bytes of UTF-8. */
  bytes: Record<TextName, number | null>
}

const textBytes = Object.values(TEXTS).map((text) => `coalesce(octet_length(${text}), 0)`)

const HEAD = `
      'id', id, 'date', to_char(date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'song_name', song_name, 'instrument', instrument,
      'duration_seconds', duration_seconds, 'total_practice_seconds', duration_seconds`

const pairs = (value: (text: string) => string) =>
  Object.entries(TEXTS)
    .map(([name, text]) => `'${name}', ${value(text)}`)
    .join(', ')

/** The columns of a HistoryRow from a row of `sessions` with `isWhole`. */
const COLUMNS = `
    id, user_id AS "userId", revision, audio_url AS "audioUrl",
    (extract(epoch FROM date) * 1000000)::bigint::text AS micros, "isWhole",
    json_build_object(${pairs((text) => `octet_length(${text})`)}) AS bytes,
    (CASE WHEN "isWhole" THEN json_build_object(${HEAD}, ${pairs((text) => text)})
      ELSE json_build_object(${HEAD}) END)::text AS json`

const WITH_SIZE = `
        SELECT sessions.*, ${textBytes.join(' + ')} AS size, ${textBytes.join(' + ')} <= ${SMALL_BYTES} AS "isWhole"
        FROM sessions`

const AFTER_POSITION = `
          AND date <= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
          AND (date < timestamptz 'epoch' + $2::bigint * interval '1 microsecond' OR id > $3::uuid)`

const pieceText = (condition: string) => `
  SELECT piece.* FROM users u, LATERAL (
    SELECT ${COLUMNS}, found::int
    FROM (
      SELECT *, count(*) OVER () AS found,
        coalesce(sum(size) FILTER (WHERE "isWhole")
          OVER (ORDER BY date DESC, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
      FROM (${WITH_SIZE}
        WHERE user_id = u.id${condition}
        ORDER BY date DESC, id LIMIT ${PIECE_ROWS}
      ) AS ordered
    ) AS measured
    WHERE before < ${PIECE_BYTES}
    ORDER BY date DESC, id
  ) AS piece
  WHERE u.auth0_id = $1`

/** Exported for the test of their plans. */
export const newestStatement = defineStatement('v0-history', pieceText(''))
export const olderStatement = defineStatement('v0-history-after', pieceText(AFTER_POSITION))

const oneStatement = defineStatement(
  'v0-session',
  `SELECT ${COLUMNS}
  FROM (${WITH_SIZE}
    WHERE id = $1::uuid AND user_id = (SELECT id FROM users WHERE auth0_id = $2)
  ) AS found`
)

const textStatement = (name: TextName) => definePieceStatement(`v0-${name}`, TEXTS[name])

const textStatements = {
  xml_content: textStatement('xml_content'),
  analysis_summary: textStatement('analysis_summary'),
  analysis_feedback: textStatement('analysis_feedback')
}

/** Rows of the history, newest first; `next` is the position of the last one if older ones may follow. */
export type V0HistoryPage = { rows: HistoryRow[]; next: Position | null }

export type V0HistoryRepository = ReturnType<typeof createV0HistoryRepository>

export const createV0HistoryRepository = (run: RunStatement) => ({
  /** Reads what follows a position, as much as one piece may hold. */
  async findPiece(sub: string, after: Position | null): Promise<V0HistoryPage> {
    const rows = after
      ? await run<HistoryRow & { found: number }>(olderStatement, [sub, after.micros, after.id])
      : await run<HistoryRow & { found: number }>(newestStatement, [sub])
    const last = rows.at(-1)
    const mayHaveMore = last && (last.found === PIECE_ROWS || last.found > rows.length)
    return { rows, next: mayHaveMore ? { micros: last.micros, id: last.id } : null }
  },

  /** @returns null when the user has no such session */
  async findOne(id: string, sub: string): Promise<HistoryRow | null> {
    const [row] = await run<HistoryRow>(oneStatement, [id, sub])
    return row ?? null
  },

  /** Reads a text piece by piece. Rejects when the session was changed or deleted meanwhile. */
  readText: (row: HistoryRow, name: TextName): AsyncGenerator<string> =>
    readInPieces(run, textStatements[name], row, row.bytes[name] ?? 0)
})
