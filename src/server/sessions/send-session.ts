import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { SessionData } from '../../contract/sessions.ts'

/** Characters of a score that are made JSON at a time. */
const PIECE = 64 * 1024

/**
 * Answers with a session. A large score goes out piece by piece, as it is read: as a whole its JSON would be in memory
 * three times, and nobody else served while it is made.
 */
export function sendSession (reply: FastifyReply, session: SessionData): FastifyReply {
  const { xmlContent, ...rest } = session
  if (xmlContent === null || xmlContent.length <= PIECE) return reply.send(session)
  return reply.type('application/json; charset=utf-8').send(Readable.from(toJson(rest, xmlContent), { objectMode: false }))
}

function * toJson (rest: Omit<SessionData, 'xmlContent'>, xmlContent: string): Generator<Buffer> {
  yield Buffer.from(`${JSON.stringify(rest).slice(0, -1)},"xmlContent":"`)
  for (let at = 0; at < xmlContent.length;) {
    const end = endOfPiece(xmlContent, at)
    yield Buffer.from(JSON.stringify(xmlContent.slice(at, end)).slice(1, -1))
    at = end
  }
  yield Buffer.from('"}')
}

/** Not between the halves of a surrogate pair, which are one character in UTF-8. */
function endOfPiece (text: string, start: number): number {
  const end = start + PIECE
  const last = text.charCodeAt(end - 1)
  return end < text.length && last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}
