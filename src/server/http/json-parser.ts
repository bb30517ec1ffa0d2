import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Parses a body by the rules of every route. @throws malformed_body, in Fastify's words or ours */
    parseJson: (request: FastifyRequest, body: Buffer) => Promise<unknown>
  }
}

/**
 * The one body there is: JSON in UTF-8 (RFC 8259). Bytes of another encoding are refused, rather than stored with
 * their letters replaced; names that would reach for a prototype are ignored like any unknown field.
 */
async function jsonBody(app: FastifyInstance) {
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
      const isNothing = body.length === 0 && request.method === 'DELETE' // some clients always send the header
      return isNothing ? undefined : app.parseJson(request, body)
    }
  )
}

export default fp(jsonBody, { name: 'json-body' })
