import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { ApiError } from '../errors.ts'

/**
 * The one body there is: JSON in UTF-8 (RFC 8259). Bytes of another encoding are refused, rather than stored with
 * their letters replaced; names that would reach for a prototype are ignored like any unknown field.
 */
async function jsonBody (app: FastifyInstance) {
  const parse = app.getDefaultJsonParser('remove', 'remove')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0 && request.method === 'DELETE') return done(null, undefined) // some clients always send the header
    if (!isUtf8(body)) return done(new ApiError('malformed_body', 'Send the body in UTF-8.'))
    parse(request, body.toString(), done)
  })
}

export default fp(jsonBody, { name: 'json-body' })
