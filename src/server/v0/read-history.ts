import type { SessionReference } from '../sessions/dependencies.ts'
import { sessionNotFound } from '../sessions/errors.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import type { V0HistoryPage, HistoryRow, TextName, V0HistoryRepository } from './v0-history-repository.ts'
import { toRowJson, type JsonRow, type Texts } from './row-json.ts'

type Dependencies = {
  history: V0HistoryRepository
  /** Reads what follows the first piece, while the answer is sent. */
  later: V0HistoryRepository
  playbackUrls: PlaybackUrls
}

type Piece = { rows: JsonRow[]; next: V0HistoryPage['next'] }

/**
 * Reads the whole history of a user, newest first, as a JSON array in pieces. A slow reader holds no database
 * connection and no more than a piece; a large text is read while it is sent. The first piece is read before
 * this returns, so that its failure is a problem and not a broken answer.
 * @throws {ApiError} storage_unavailable; database_unavailable
 */
export async function readHistory(dependencies: Dependencies, sub: string): Promise<AsyncGenerator<string>> {
  return joinRows(dependencies, sub, await findPiece(dependencies, sub, null))
}

/**
 * Reads one session, as a row of the history in pieces.
 * @throws {ApiError} session_not_found; storage_unavailable; database_unavailable
 */
export async function readRow(
  { history, later, playbackUrls }: Dependencies,
  { id, sub }: SessionReference
): Promise<AsyncGenerator<string>> {
  const row = await history.findOne(id, sub)
  if (!row) throw sessionNotFound()
  return toRowJson(toJsonRow(later, row, await playbackUrls.resolveOne(row.audioUrl)))
}

async function findPiece(
  { history, later, playbackUrls }: Dependencies,
  sub: string,
  after: V0HistoryPage['next']
): Promise<Piece> {
  const { rows, next } = await history.findPiece(sub, after)
  const audioUrls = await playbackUrls.resolve(rows.map((row) => row.audioUrl))
  return { rows: rows.map((row, index) => toJsonRow(later, row, audioUrls[index] ?? null)), next }
}

function toJsonRow(history: V0HistoryRepository, row: HistoryRow, audioUrl: string | null): JsonRow {
  return { json: row.json, audioUrl, texts: row.isWhole ? null : readTexts(history, row) }
}

function readTexts(history: V0HistoryRepository, row: HistoryRow): Texts {
  const read = (name: TextName) => (row.bytes[name] === null ? null : history.readText(row, name))
  return {
    xml_content: read('xml_content'),
    analysis_summary: read('analysis_summary'),
    analysis_feedback: read('analysis_feedback')
  }
}

async function* joinRows(dependencies: Dependencies, sub: string, first: Piece): AsyncGenerator<string> {
  yield '['
  let separator = ''
  const inTurn = { ...dependencies, history: dependencies.later }
  for (let piece = first; ; piece = await findPiece(inTurn, sub, piece.next)) {
    for (const row of piece.rows) {
      yield separator
      yield* toRowJson(row)
      separator = ','
    }
    if (!piece.next) break
  }
  yield ']'
}
