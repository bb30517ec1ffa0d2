import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError, FastifyInstance } from 'fastify'
import { ApiError, invalidInput } from '../errors.ts'

/**
 * Fastify's `clientErrorHandler`: answers what cannot be read as a request with a problem like any other, and closes the
 * connection, on which nobody knows any more where the next request begins. (A missing Host header and an unknown
 * expectation do not come here: Node answers them itself, with no body.)
 */
export function answerClientError(this: FastifyInstance, error: ConnectionError, socket: Socket) {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy() // not soon: who does not read would keep it
    return
  }
  const problem = toApiError(error)
  // Not the error itself: it carries what was sent.
  this.log.debug({ code: problem.code, cause: error.code }, 'refused before it was a request')
  socket.write(toResponse(problem))
  socket.destroySoon()
}

/** As Node itself tells it: a second head would stand in the middle of a body. */
const isAnswering = (socket: Socket & { _httpMessage?: ServerResponse | null }) =>
  socket._httpMessage?.headersSent ?? false

function toApiError({ code }: { code: string }): ApiError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ApiError('upload_stalled', 'The request did not arrive whole in time. Send it again.')
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ApiError('headers_too_large', 'Send less than 16 KB of headers, cookies and query included.')
  }
  return invalidInput('request', 'must be well-formed HTTP/1.1')
}

function toResponse(problem: ApiError): string {
  const body = JSON.stringify(problem.toProblem())
  return [
    `HTTP/1.1 ${problem.statusCode} ${STATUS_CODES[problem.statusCode]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body
  ].join('\r\n')
}
