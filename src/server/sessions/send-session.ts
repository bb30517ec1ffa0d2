import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { SessionDescription } from './presenter.ts'
import type { Score } from './repository.ts'

/** The answer to a save has the URL under the frontend's name as well. */
type Answer = SessionDescription & { audio_url?: string | null }

/** Characters of a score that are converted to JSON at once. */
const SLICE = 64 * 1024

/**
 * Answers with a session. A large score is sent in pieces as the client reads: as one string, its JSON would
 * be in memory several times, and producing it would block all other requests.
 */
export function sendSession(reply: FastifyReply, session: Answer, score: Score | null): FastifyReply {
  if (score === null || (typeof score === 'string' && score.length <= SLICE)) {
    return reply.send({ ...session, xmlContent: score })
  }
  const pieces = typeof score === 'string' ? [score] : score
  const json = toJson(session, reply.request.method === 'HEAD' ? [] : pieces)
  return reply.type('application/json; charset=utf-8').send(Readable.from(json, { objectMode: false }))
}

async function* toJson(
  session: Answer,
  score: Iterable<string> | AsyncIterable<string>
): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(session).slice(0, -1)},"xmlContent":"`)
  for await (const piece of score) {
    // A surrogate pair that is split between two slices becomes two escape sequences, which JSON reads as one
    // pair.
    for (let at = 0; at < piece.length; at += SLICE) {
      yield Buffer.from(JSON.stringify(piece.slice(at, at + SLICE)).slice(1, -1))
    }
  }
  yield Buffer.from('"}')
}
