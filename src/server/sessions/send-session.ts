import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { SessionDescription } from './presenter.ts'
import type { Score } from './repository.ts'

/** A save's answer has today's name for the URL beside ours. */
type Answer = SessionDescription & { audio_url?: string | null }

/** Characters of a score that are made JSON at a time. */
const SLICE = 64 * 1024

/**
 * Answers with a session. A large score goes out piece by piece, as the client takes it: as a whole, its JSON would be
 * in memory several times, and nobody else served while it is made.
 */
export function sendSession(reply: FastifyReply, session: Answer, score: Score | null): FastifyReply {
  if (score === null || (typeof score === 'string' && score.length <= SLICE)) {
    return reply.send({ ...session, xmlContent: score })
  }
  const json = toJson(
    session,
    reply.request.method === 'HEAD' ? [] : typeof score === 'string' ? [score] : score
  )
  return reply.type('application/json; charset=utf-8').send(Readable.from(json, { objectMode: false }))
}

async function* toJson(
  session: Answer,
  score: Iterable<string> | AsyncIterable<string>
): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(session).slice(0, -1)},"xmlContent":"`)
  for await (const piece of score) {
    // Half a surrogate pair at the end of a slice becomes an escape sequence, and so does the other half.
    for (let at = 0; at < piece.length; at += SLICE) {
      yield Buffer.from(JSON.stringify(piece.slice(at, at + SLICE)).slice(1, -1))
    }
  }
  yield Buffer.from('"}')
}
