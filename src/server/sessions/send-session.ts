import type { FastifyReply } from 'fastify'
import { toJsonString } from '../http/answers/json-string.ts'
import { sendJsonPieces } from '../http/answers/send-json-pieces.ts'
import type { SessionAnswer } from './presenter.ts'

/**
 * Answers with a session. Large scores are sent in pieces as the client reads: as one string, their JSON
 * would be in memory several times, and producing it would block all other requests.
 */
export function sendSession(reply: FastifyReply, session: SessionAnswer): FastifyReply {
  if (![session.xmlContent, session.analysis?.markedXml].some(isInPieces)) return reply.send(session)
  return sendJsonPieces(reply, toSessionJson(session))
}

/** The JSON of a session in pieces; its large scores are read while it is written. */
export const toSessionJson = <T extends SessionAnswer>(session: T): AsyncGenerator<string> => toJson(session)

const isInPieces = (value: unknown): value is AsyncIterable<string> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

/** The JSON of an object. A member, but not one of an array, may be a string in pieces. */
async function* toJson(value: unknown): AsyncGenerator<string> {
  if (isInPieces(value)) yield* toJsonString(value)
  else if (typeof value === 'object' && value !== null && !Array.isArray(value)) yield* toJsonObject(value)
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
