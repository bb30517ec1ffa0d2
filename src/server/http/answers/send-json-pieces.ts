import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { JSON_TYPE } from '../openapi/response-schemas.ts'

/** Characters that are written at once: short pieces are joined, because each write has its price. */
const WRITE_CHARACTERS = 16 * 1024

/**
 * Answers with JSON that comes in pieces, as fast as the client reads it. No piece is read for HEAD. A failure
 * after the first byte destroys the connection, so that no shorter document looks complete.
 */
export const sendJsonPieces = (reply: FastifyReply, pieces: AsyncIterable<string>): FastifyReply =>
  reply
    .type(JSON_TYPE)
    .send(Readable.from(reply.request.method === 'HEAD' ? [] : joinShort(pieces), { objectMode: false }))

async function* joinShort(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let joined = ''
  for await (const piece of pieces) {
    joined += piece
    if (joined.length < WRITE_CHARACTERS) continue
    yield joined
    joined = ''
  }
  if (joined) yield joined
}
