import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { readInTurns } from '../limits/read-in-turns.ts'
import { JSON_TYPE } from '../openapi/response-schemas.ts'

/** Characters that are written at once: short pieces are joined, because each write has its price. */
const WRITE_CHARACTERS = 16 * 1024

/**
 * Answers with JSON that comes in pieces, as fast as the client reads it; none of them is read for HEAD. The answers of
 * all users take turns in reading. A failure after the first byte destroys the connection, so that no shorter document
 * looks complete. The route needs authentication.
 */
export function sendJsonPieces(reply: FastifyReply, pieces: AsyncIterable<string>): FastifyReply {
  const { method, server, user } = reply.request
  const inTurns = () => readInTurns(joinShort(pieces), () => server.places.pieces.acquire(user.sub))
  return reply.type(JSON_TYPE).send(Readable.from(method === 'HEAD' ? [] : inTurns(), { objectMode: false }))
}

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
