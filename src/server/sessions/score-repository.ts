import { sql } from '../database/sql.ts'
import type { RunStatement, Statement } from '../database/statement-runner.ts'
import { definePieceStatement, readInPieces, type SessionVersion } from './text-pieces.ts'

/** The score of a session, and the score as the analysis marked it up. Each has up to ten megabytes. */
export type Scores<T> = { xmlContent: T; markedXml: T }

/** The text of a score, as one string or in pieces that are read on demand. */
export type Score = string | AsyncIterable<string>

/**
 * The scores of a session as it is read. A large one is null, and read while it is sent. `xmlBytes` and
 * `markedBytes` are the lengths in UTF-8, null without a score.
 */
export type StoredScores = Scores<string | null> & { xmlBytes: number | null; markedBytes: number | null }

/** The row, and the version of it, that scores belong to. */
type Row = StoredScores & SessionVersion

/** Bytes of the largest score that is read and sent as one string. */
export const SMALL_SCORE_BYTES = 64 * 1024

/** The columns of `StoredScores`. */
export const SCORE_COLUMNS = sql`
  CASE WHEN octet_length(xml_content) <= ${SMALL_SCORE_BYTES} THEN xml_content END AS "xmlContent",
  CASE WHEN octet_length(marked_xml) <= ${SMALL_SCORE_BYTES} THEN marked_xml END AS "markedXml",
  octet_length(xml_content) AS "xmlBytes", octet_length(marked_xml) AS "markedBytes"`

/** Scores as a read returns them: large ones are null. */
export function toStoredScores({ xmlContent, markedXml }: Scores<string | null>): StoredScores {
  const xmlBytes = bytesOf(xmlContent)
  const markedBytes = bytesOf(markedXml)
  return {
    xmlContent: isSmall(xmlBytes) ? xmlContent : null,
    markedXml: isSmall(markedBytes) ? markedXml : null,
    xmlBytes,
    markedBytes
  }
}

const bytesOf = (score: string | null) => (score === null ? null : Buffer.byteLength(score))
const isSmall = (bytes: number | null) => bytes !== null && bytes <= SMALL_SCORE_BYTES

const xmlStatement = definePieceStatement('xml_content', 'xml_content')
const markedStatement = definePieceStatement('marked_xml', 'marked_xml')

/** The scores of a session; large ones in pieces. Reading a piece rejects when the session was changed meanwhile. */
export function scoresOf(run: RunStatement, session: Row): Scores<Score | null> {
  const { xmlContent, xmlBytes, markedXml, markedBytes } = session
  const read = (statement: Statement, bytes: number | null) =>
    bytes === null ? null : readInPieces(run, statement, session, bytes)
  return {
    xmlContent: xmlContent ?? read(xmlStatement, xmlBytes),
    markedXml: markedXml ?? read(markedStatement, markedBytes)
  }
}
