import type { FastifyBaseLogger, FastifyReply } from 'fastify'
import type { Database } from '../database/client.ts'
import { revisionTag } from '../http/answers/revision-tag.ts'
import { JSON_TYPE } from '../http/openapi/response-schemas.ts'
import type { PlaybackUrls } from '../storage/playback-urls.ts'
import { describeSession, withPlaybackUrl } from './presenter.ts'
import type { ReadSession } from './read-session.ts'
import { runInTurn } from './run-in-turn.ts'
import { scoresOf } from './score-repository.ts'
import { sendSession } from './send-session.ts'

type Dependencies = {
  database: Pick<Database, 'run'>
  playbackUrls: PlaybackUrls
  now: () => Date
  log: FastifyBaseLogger
}

type SendSession = (reply: FastifyReply, read: ReadSession) => Promise<FastifyReply>

/** Answers with one session and its `ETag`. */
export type SessionAnswers = {
  tagOf: (session: Pick<ReadSession, 'revision'>) => string
  /** @throws {ApiError} storage_unavailable when the URL of the recording cannot be signed */
  sendAfterRead: SendSession
  /** A URL that cannot be signed is no error, because the session is written. The next read has one. */
  sendAfterWrite: SendSession
}

export function createSessionAnswers({ database, playbackUrls, now, log }: Dependencies): SessionAnswers {
  const tagOf = ({ revision }: Pick<ReadSession, 'revision'>) =>
    revisionTag(revision, playbackUrls.period(now()))

  const sendWith =
    (urls: Pick<PlaybackUrls, 'areCanonical' | 'resolveOne'>): SendSession =>
    async (reply, { session, revision }) => {
      reply.header('etag', tagOf({ revision }))
      if (typeof session === 'string') {
        const json = await withPlaybackUrl(session, urls)
        return reply.type(JSON_TYPE).send(json)
      }
      const scores = scoresOf(runInTurn(database.run, reply.request), session)
      return sendSession(reply, describeSession(session, await urls.resolveOne(session.audioUrl), scores))
    }

  const resolveOrKeep = (audioUrl: string | null) =>
    playbackUrls.resolveOne(audioUrl).catch((error) => {
      log.warn({ err: error }, 'The session is written, and its answer has no playable URL')
      return audioUrl
    })

  return {
    tagOf,
    sendAfterRead: sendWith(playbackUrls),
    sendAfterWrite: sendWith({ ...playbackUrls, resolveOne: resolveOrKeep })
  }
}
