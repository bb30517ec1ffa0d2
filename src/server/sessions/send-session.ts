import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { JSON_TYPE } from '../http/response-schemas.ts'
import type { SessionAnswer } from './presenter.ts'

/** Characters of a score that are converted to JSON at once. */
const SLICE = 64 * 1024

/**
 * Answers with a session. Large scores are sent in pieces as the client reads: as one string, their JSON would be in
 * memory several times, and producing it would block all other requests.
 */
export function sendSession(
  reply: FastifyReply,
  session: SessionAnswer & { audio_url?: string | null }
): FastifyReply {
  if (![session.xmlContent, session.analysis?.markedXml].some(isInPieces)) return reply.send(session)
  const json = reply.request.method === 'HEAD' ? [] : toJson(session)
  return reply.type(JSON_TYPE).send(Readable.from(json, { objectMode: false }))
}

const isInPieces = (value: unknown): value is AsyncIterable<string> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/** The JSON of an object. A member may be a string in pieces. */
async function* toJson(value: unknown): AsyncGenerator<string> {
  if (isInPieces(value)) yield* quote(value)
  else if (typeof value === 'object' && value !== null) yield* toJsonObject(value)
  else yield JSON.stringify(value)
}

async function* toJsonObject(object: object): AsyncGenerator<string> {
  let separator = '{'
  for (const [name, value] of Object.entries(object)) {
    yield `${separator}${JSON.stringify(name)}:`
    yield* toJson(value)
    separator = ','
  }
  yield '}'
}

async function* quote(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  yield '"'
  for await (const piece of pieces) {
    // A surrogate pair that is split between two slices becomes two escape sequences, which JSON reads as one pair.
    for (let at = 0; at < piece.length; at += SLICE) {
      yield JSON.stringify(piece.slice(at, at + SLICE)).slice(1, -1)
    }
  }
  yield '"'
}
