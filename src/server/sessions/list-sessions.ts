import type { SessionListItem } from '../../contract/sessions.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { createSessionRepository, HistoryRow } from './repository.ts'

type Dependencies = { sessions: ReturnType<typeof createSessionRepository>; playbackUrls: PlaybackUrls }

type Query = {
  sub: string
  /** From the `Link` header of the previous page. */
  cursor?: string | undefined
  /** Rows of a page; the whole history without it. */
  limit?: number | undefined
}

/** `next` is the `Link` header of a page that is not the last. */
type SessionList = { items: SessionListItem[]; next: string | undefined }

/**
 * Reads the history of a user, newest first, with URLs that play.
 * @throws {ApiError} invalid_input for a cursor that is not ours; storage_unavailable; database_unavailable
 */
export async function listSessions(
  { sessions, playbackUrls }: Dependencies,
  { sub, cursor, limit }: Query
): Promise<SessionList> {
  const after = cursor === undefined ? undefined : decodeCursor(cursor)
  // One row more than the page: it shows whether another page follows.
  const rows = await sessions.list({ sub, after, limit: limit && limit + 1 })
  const page = limit === undefined ? rows : rows.slice(0, limit)
  const audioUrls = await playbackUrls.resolve(page.map((row) => row.audio_url))
  return {
    items: page.map((row, index) => ({ ...row, audio_url: audioUrls[index] ?? null })),
    next: page.length < rows.length ? nextPage(page.length, page.at(-1)) : undefined
  }
}

// Relative, so that it is right behind any proxy.
const nextPage = (limit: number, last: HistoryRow | undefined) =>
  last && `</api/sessions?limit=${limit}&cursor=${encodeCursor(last.position)}>; rel="next"`
