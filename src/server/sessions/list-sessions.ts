import type { SessionListItem } from '../../contract/session-list.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import { encodeCursor } from './cursor.ts'
import type { HistoryPage, HistoryQuery, HistoryRepository, HistoryVersion } from './history-repository.ts'

type Dependencies = { history: HistoryRepository; playbackUrls: PlaybackUrls }

/** `later` reads the pieces after the first one, while the answer is sent. */
type LongDependencies = Dependencies & { later: HistoryRepository }

type SessionList = {
  /** JSON array of list items: whole, or in pieces. */
  items: string | AsyncGenerator<string>
  /** The `Link` header (RFC 8288) of a page that is not the last; relative, so that it is right behind any proxy. */
  link?: string | undefined
  /** Read no later than the items. Undefined for a user who was never synced. */
  version?: HistoryVersion | undefined
}

/** `nextLimit`: the rows that the following piece should have. */
type HistoryPart = Omit<HistoryPage, 'version'> & { version?: HistoryVersion; nextLimit: number }

/**
 * Characters of a piece, which is one row: mostly below 64 kB, the most that one socket read returns. node-postgres
 * must copy a longer row together from several reads, which doubles the time of a long history and blocks other
 * requests.
 */
const PIECE_CHARACTERS = 48 * 1024
/** Rows of the first piece, and the most of a later one: as many ordinary rows as fill a piece. */
const PIECE_ROWS = 250

/**
 * Reads the whole history of a user, newest first, or what follows a position. A long one is read piece by
 * piece as the client takes it: no database connection is held meanwhile, and no more than a piece is in
 * memory.
 * @throws {ApiError} storage_unavailable; database_unavailable
 */
export async function listHistory(
  dependencies: LongDependencies,
  query: Omit<HistoryQuery, 'limit'>
): Promise<SessionList> {
  const first = await findPiece(dependencies, { ...query, limit: PIECE_ROWS })
  const { items, next, version } = first
  return { items: next ? joinPieces(dependencies, query.sub, first) : items, version }
}

/**
 * Reads one page of the history, newest first.
 * @throws {ApiError} storage_unavailable; database_unavailable
 */
export async function listPage(dependencies: Dependencies, query: HistoryQuery): Promise<SessionList> {
  const { items, next, version } = await findPiece(dependencies, query)
  const cursor = next && encodeCursor(next)
  return {
    items,
    link: cursor ? `</api/sessions?limit=${query.limit}&cursor=${cursor}>; rel="next"` : undefined,
    version
  }
}

async function findPiece({ history, playbackUrls }: Dependencies, query: HistoryQuery): Promise<HistoryPart> {
  const piece = await history.find(query)
  if (!piece) return { items: '[]', next: null, nextLimit: PIECE_ROWS }
  const { items } = piece
  const nextLimit = fitRows(items.length / query.limit)
  return { ...piece, items: playbackUrls.areCanonical ? items : await sign(playbackUrls, items), nextLimit }
}

/** The rows of `length` characters that fill a piece. */
const fitRows = (length: number) => Math.max(1, Math.min(PIECE_ROWS, Math.floor(PIECE_CHARACTERS / length)))

/** Replaces the canonical URLs of a private bucket by signed ones. */
async function sign(playbackUrls: PlaybackUrls, json: string): Promise<string> {
  const items = JSON.parse(json) as SessionListItem[]
  const audioUrls = await playbackUrls.resolve(items.map((item) => item.audio_url))
  return JSON.stringify(items.map((item, index) => ({ ...item, audio_url: audioUrls[index] ?? null })))
}

/** Joins the arrays of all pieces. A failure cuts the connection, so that no shorter array looks complete. */
async function* joinPieces(
  dependencies: LongDependencies,
  sub: string,
  first: HistoryPart
): AsyncGenerator<string> {
  const inTurn = { ...dependencies, history: dependencies.later }
  yield first.items.slice(0, -1)
  let { next, nextLimit } = first
  while (next) {
    const piece: HistoryPart = await findPiece(inTurn, { sub, after: next, limit: nextLimit })
    if (piece.items !== '[]') yield `,${piece.items.slice(1, -1)}`
    ;({ next, nextLimit } = piece)
  }
  yield ']'
}
