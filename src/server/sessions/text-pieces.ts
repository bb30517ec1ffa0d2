import { defineStatement, type RunStatement, type Statement } from '../database/statement-runner.ts'

/**
 * Bytes of a row: below 64 kB, the most that one socket read returns. node-postgres must copy a longer row together
 * from several reads, and V8 collects large strings and buffers in pauses of about 10 ms.
 */
const ROW_BYTES = 48 * 1024
/** Bytes that one statement reads. */
const PIECE_BYTES = 5 * ROW_BYTES
const CONTINUATION_CODES = Array.from({ length: 64 }, (_, index) => 0x80 + index)
/** The bytes of UTF-8 that follow the first one of a character (RFC 3629, section 3), as SQL. */
const CONTINUATION_BYTES = `'\\x${Buffer.from(CONTINUATION_CODES).toString('hex')}'::bytea`

/** The version of a session that a text belongs to. */
export type SessionVersion = { id: string; userId: string; revision: number }

/**
 * Reads a piece of `text`, an SQL expression over the columns of `sessions`, in several rows. Pieces and rows are cut
 * by bytes: PostgreSQL finds a byte at once, but for a character it would count all those before it. A character
 * belongs to the row in which its first byte lies.
 */
export const definePieceStatement = (name: string, text: string): Statement =>
  defineStatement(
    name,
    `WITH piece AS MATERIALIZED (
      SELECT substr(convert_to(${text}, 'UTF8'), $4::int + 1, ${PIECE_BYTES} + 3) AS bytes FROM sessions
      WHERE id = $1::uuid AND user_id = $2::uuid AND revision = $3
    )
    SELECT convert_from(ltrim(substr(bytes, start, ${ROW_BYTES} + missing), ${CONTINUATION_BYTES}), 'UTF8') AS part
    FROM piece, generate_series(1, ${PIECE_BYTES}, ${ROW_BYTES}) AS start,
      LATERAL (SELECT substr(bytes, start + ${ROW_BYTES}, 3) AS next_bytes) AS next_row,
      LATERAL (SELECT length(next_bytes) - length(ltrim(next_bytes, ${CONTINUATION_BYTES})) AS missing) AS ending
    WHERE start <= length(bytes)
    ORDER BY start`
  )

/**
 * Reads a text of `bytes` bytes of UTF-8 piece by piece. A slow reader holds no database connection and at most one
 * piece, though PostgreSQL decompresses the text for each. Between two pieces the session may be edited, or deleted and
 * its id taken by another user: no other version of it is read, and reading rejects.
 */
export async function* readInPieces(
  run: RunStatement,
  statement: Statement,
  { id, userId, revision }: SessionVersion,
  bytes: number
): AsyncGenerator<string> {
  for (let offset = 0; offset < bytes; offset += PIECE_BYTES) {
    const rows = await run<{ part: string }>(statement, [id, userId, revision, offset])
    if (rows.length === 0) throw new Error('The session was changed or deleted while it was read')
    for (const { part } of rows) yield part
  }
}
