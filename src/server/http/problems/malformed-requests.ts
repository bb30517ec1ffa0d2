import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionError, FastifyInstance } from 'fastify'
import { ApiError, invalidInput } from '../../errors.ts'

/**
 * Fastify's `clientErrorHandler`: answers an unparsable request with a problem and closes the connection,
 * because the start of the next request is unknown. Two cases do not get here: `createLimitedServer` answers a
 * missing Host header and an unknown Expect header, without a body.
 */
export function answerClientError(this: FastifyInstance, error: ConnectionError, socket: Socket) {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy() // destroySoon would wait for a client that does not read
    return
  }
  const problem = convertClientError(error)
  // The error itself is not logged, because it contains the bytes of the request.
  this.log.debug({ code: problem.code, cause: error.code }, 'malformed request refused')
  socket.write(toResponse(problem))
  socket.destroySoon()
}

/**
 * Whether an answer has begun; Node.js checks it in the same way. A second response head would appear inside
 * the body of the first.
 */
const isAnswering = (socket: Socket & { _httpMessage?: ServerResponse | null }) =>
  socket._httpMessage?.headersSent ?? false

function convertClientError({ code }: { code: string }): ApiError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ApiError('upload_stalled', 'The request did not arrive completely in time. Send it again.')
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
