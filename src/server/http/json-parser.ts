import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Parses a JSON body as every route does. Rejects with `malformed_body` or Fastify's own error. */
    parseJson: (request: FastifyRequest, body: Buffer) => Promise<unknown>
  }
}

/**
 * Accepts bodies of JSON in UTF-8 (RFC 8259) and no other content type. Invalid UTF-8 is refused, because
 * decoding would replace the invalid bytes with U+FFFD. `__proto__` and `constructor` are ignored like any
 * unknown field.
 */
async function jsonParser(app: FastifyInstance) {
  const parse = app.getDefaultJsonParser('remove', 'remove')

  app.decorate(
    'parseJson',
    (request, body) =>
      new Promise((resolve, reject) => {
        if (!isUtf8(body)) throw new ApiError('malformed_body', 'Send the body in UTF-8.')
        parse(request, body.toString(), (error, value) => (error ? reject(error) : resolve(value)))
      })
  )

  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const isAbsent = body.length === 0 && request.method === 'DELETE' // some clients always send the header
      return isAbsent ? undefined : app.parseJson(request, body)
    }
  )
}

export default fp(jsonParser, { name: 'json-parser' })
