import type { SessionData } from '../../contract/sessions.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import type { SessionReference } from './dependencies.ts'
import { sessionNotFound } from './errors.ts'
import type { createSessionRepository, StoredSession } from './repository.ts'
import type { createSessionJsonRepository } from './session-json-repository.ts'

type Dependencies = {
  sessionsAsJson: ReturnType<typeof createSessionJsonRepository>
  sessions: ReturnType<typeof createSessionRepository>
  playbackUrls: PlaybackUrls
}

/** `session`: its JSON with a URL that plays; one with large scores as a row, to be sent in pieces. */
export type ReadSession = { session: string | StoredSession; revision: number }

/**
 * Reads one session of a user.
 * @throws {ApiError} session_not_found; storage_unavailable; database_unavailable
 */
export async function readSession(
  { sessionsAsJson, sessions, playbackUrls }: Dependencies,
  { id, sub }: SessionReference
): Promise<ReadSession> {
  const found = await sessionsAsJson.find(id, sub)
  if (found?.json) {
    return { session: await withPlaybackUrl(playbackUrls, found.json), revision: found.revision }
  }
  const session = found && (await sessions.findOwned(id, sub))
  if (!session) throw sessionNotFound()
  return { session, revision: session.revision }
}

async function withPlaybackUrl(playbackUrls: PlaybackUrls, json: string): Promise<string> {
  if (playbackUrls.areCanonical) return json
  const session = JSON.parse(json) as SessionData
  return JSON.stringify({ ...session, audioUrl: await playbackUrls.resolveOne(session.audioUrl) })
}
