import type { SessionListItem } from '../../contract/session-list.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import { encodeCursor, type Position } from './cursor.ts'
import type { HistoryPiece, HistoryQuery, HistoryRepository, HistoryVersion } from './history-repository.ts'

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

type HistoryPart = Omit<HistoryPiece, 'version'> & { version?: HistoryVersion }

/** Rows of the history that are read at once: at most a few megabytes of JSON, whatever the names in them. */
const PIECE_ROWS = 1000

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
  if (!piece) return { items: '[]', next: null }
  return playbackUrls.areCanonical ? piece : { ...piece, items: await sign(playbackUrls, piece.items) }
}

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
  let after: Position | null = first.next
  while (after) {
    const { items, next } = await findPiece(inTurn, { sub, after, limit: PIECE_ROWS })
    if (items !== '[]') yield `,${items.slice(1, -1)}`
    after = next
  }
  yield ']'
}
