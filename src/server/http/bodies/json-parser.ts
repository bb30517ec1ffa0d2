import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../../errors.ts'
import { locateJsonError } from './locate-json-error.ts'

/** Characters of the longest text whose error is located, which takes up to ten milliseconds. */
const MAX_LOCATED = 256 * 1024

type ToBodyOffset = (offset: number) => number

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Parses a JSON body as every route does.
     * @param body from `decodeBody`
     * @param toBodyOffset maps an offset in `body` to the offset in the body as sent, if that is another; both in bytes
     * @throws {ApiError} malformed_body, which tells the position of the error in a text up to 256 kB; Fastify's own
     * error for an empty body
     */
    parseJson: (request: FastifyRequest, body: string, toBodyOffset?: ToBodyOffset) => Promise<unknown>
  }
}

/**
 * Accepts bodies of JSON in UTF-8 (RFC 8259), and no other content type unless a route adds it. `__proto__` and
 * `constructor` are ignored like any unknown field.
 */
async function jsonParser(app: FastifyInstance) {
  const parse = app.getDefaultJsonParser('remove', 'remove')

  app.decorate(
    'parseJson',
    (request, body, toBodyOffset = (offset: number) => offset) =>
      new Promise((resolve, reject) => {
        parse(request, body, (error, value) =>
          error ? reject(toError(error, body, toBodyOffset)) : resolve(value)
        )
      })
  )

  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const isAbsent = body.length === 0 && request.method === 'DELETE' // some clients always send the header
      return isAbsent ? undefined : app.parseJson(request, decodeBody(body))
    }
  )
}

/**
 * Decodes the bytes of a JSON text. Invalid UTF-8 is refused, because decoding would replace the invalid bytes
 * with U+FFFD.
 * @throws {ApiError} malformed_body
 */
export function decodeBody(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new ApiError('malformed_body', 'Send the body in UTF-8.')
  return bytes.toString()
}

function toError(error: Error, text: string, toBodyOffset: ToBodyOffset): Error {
  if (text.length > MAX_LOCATED) {
    return new ApiError('malformed_body', 'The JSON is malformed, or ends early. Correct it.')
  }
  const start = text.startsWith('\ufeff') ? 1 : 0 // a byte order mark, which the parser skips
  const found = locateJsonError(text.slice(start))
  if (text === '' || found === -1) return error
  const index = found + start
  const position = toBodyOffset(Buffer.byteLength(text.slice(0, index)))
  const detail =
    index === text.length
      ? `The JSON ends early, at position ${position}. Send all of it.`
      : `The JSON is malformed at position ${position}, in bytes from 0. Correct it there.`
  return new ApiError('malformed_body', detail)
}

export default fp(jsonParser, { name: 'json-parser' })
