import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Score, SessionDescription } from './repository.ts'

/** A save's answer has today's name for the URL beside ours. */
type Answer = SessionDescription & { audio_url?: string | null }

/** Characters of a score that are made JSON at a time. */
const SLICE = 64 * 1024

/**
 * Answers with a session. A large score goes out piece by piece, as it is read: as a whole it would be in memory
 * several times, for as long as the client likes, and nobody else served while it is made JSON.
 */
export function sendSession (reply: FastifyReply, session: Answer, score: Score | null): FastifyReply {
  if (score === null || (typeof score === 'string' && score.length <= SLICE)) return reply.send({ ...session, xmlContent: score })
  const json = toJson(session, typeof score === 'string' ? [score] : score)
  return reply.type('application/json; charset=utf-8').send(Readable.from(json, { objectMode: false }))
}

async function * toJson (session: Answer, score: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(session).slice(0, -1)},"xmlContent":"`)
  for await (const piece of score) {
    for (let at = 0; at < piece.length;) {
      const end = endOfSlice(piece, at)
      yield Buffer.from(JSON.stringify(piece.slice(at, end)).slice(1, -1))
      at = end
    }
  }
  yield Buffer.from('"}')
}

/** Not between the halves of a surrogate pair, which are one character in UTF-8. */
function endOfSlice (text: string, start: number): number {
  const end = start + SLICE
  const last = text.charCodeAt(end - 1)
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}
