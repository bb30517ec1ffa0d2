import { connect } from 'node:net'
import type { Test } from 'tap'
import { changesNothing, tellsNothing } from '../helpers/attack.ts'
import type { World } from '../helpers/world.ts'

/** Bytes that are written to a connection, and how the server must answer. */
export type Framing = {
  name: string
  bytes: string | Buffer
  /** Statuses of the answers, in their order. Empty: the connection is closed without an answer. */
  statuses: number[][]
}

const SAVE = '{"songName":"smuggled","instrument":"x","duration":1}'

/** How long a connection may stay silent before the client closes its half. */
const QUIET_MS = 60
const PATIENCE_MS = 10_000

/** Attacks on the framing of HTTP/1.1 (RFC 9112, sections 6, 7, 9.3 and 11) by raw bytes. */
export function framingAttacks({ mallory }: World): Framing[] {
  const { authorization } = mallory.headers()
  const auth = `Host: x\r\nAuthorization: ${authorization}\r\n`
  const json = `${auth}Content-Type: application/json\r\n`
  const smuggled = `POST /api/sessions HTTP/1.1\r\n${json}Content-Length: ${SAVE.length}\r\n\r\n${SAVE}`
  const post = (headers: string, body = '') => `POST /api/sessions HTTP/1.1\r\n${json}${headers}\r\n${body}`
  const get = (headers = '', line = 'GET /api/sessions HTTP/1.1') => `${line}\r\n${auth}${headers}\r\n`
  const bad = (name: string, bytes: string | Buffer): Framing => ({ name, bytes, statuses: [[400]] })
  const chunk = `${SAVE.length.toString(16)}\r\n${SAVE}\r\n0\r\n\r\n`

  return [
    bad(
      'a Content-Length beside Transfer-Encoding, and a request in the body (CL.TE)',
      post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`)
    ),
    bad(
      'Transfer-Encoding before a Content-Length, and a request in the body (TE.CL)',
      post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `5c\r\n${smuggled}\r\n0\r\n\r\n`)
    ),
    bad(
      'two Content-Length that differ',
      post(`Content-Length: ${SAVE.length}\r\nContent-Length: 0\r\n`, SAVE)
    ),
    bad(
      'two equal Content-Length',
      post(`Content-Length: ${SAVE.length}\r\nContent-Length: ${SAVE.length}\r\n`, SAVE)
    ),
    bad('a Content-Length with a list', post(`Content-Length: ${SAVE.length}, ${SAVE.length}\r\n`, SAVE)),
    bad('a Content-Length with a plus', post(`Content-Length: +${SAVE.length}\r\n`, SAVE)),
    bad('a negative Content-Length', post('Content-Length: -1\r\n', SAVE)),
    bad('a hexadecimal Content-Length', post(`Content-Length: 0x${SAVE.length.toString(16)}\r\n`, SAVE)),
    bad('a Content-Length with an exponent', post('Content-Length: 5e1\r\n', SAVE)),
    bad('a Content-Length with a fraction', post(`Content-Length: ${SAVE.length}.0\r\n`, SAVE)),
    bad('a Content-Length with a space within', post('Content-Length: 5 3\r\n', SAVE)),
    bad('an empty Content-Length', post('Content-Length:\r\n', SAVE)),
    bad('a Content-Length above 2^64', post('Content-Length: 18446744073709551616\r\n', SAVE)),
    bad('a Content-Length in words', post('Content-Length: many\r\n', SAVE)),
    bad('a Content-Length with NUL', post(`Content-Length: ${SAVE.length}\0\r\n`, SAVE)),
    bad('a Content-Length on two lines (obs-fold)', post(`Content-Length:\r\n ${SAVE.length}\r\n`, SAVE)),
    bad('a space before the colon of Content-Length', post(`Content-Length : ${SAVE.length}\r\n`, SAVE)),
    bad('a space before the colon of Transfer-Encoding', post('Transfer-Encoding : chunked\r\n', chunk)),
    bad('a transfer coding that is unknown', post('Transfer-Encoding: xchunked\r\n', chunk)),
    bad('the transfer coding identity', post('Transfer-Encoding: identity\r\n', chunk)),
    bad('a transfer coding after chunked', post('Transfer-Encoding: chunked, identity\r\n', chunk)),
    bad(
      'chunked in two headers with another after it',
      post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n', chunk)
    ),
    bad('chunked with a vertical tab', post('Transfer-Encoding: chunked\x0b\r\n', chunk)),
    bad('chunked in quotes', post('Transfer-Encoding: "chunked"\r\n', chunk)),
    bad('a transfer coding on two lines (obs-fold)', post('Transfer-Encoding:\r\n chunked\r\n', chunk)),
    bad('a chunk size above 2^64', post('Transfer-Encoding: chunked\r\n', `FFFFFFFFFFFFFFFFF\r\n${SAVE}`)),
    bad('a negative chunk size', post('Transfer-Encoding: chunked\r\n', `-1\r\n${SAVE}\r\n0\r\n\r\n`)),
    bad('a chunk size with 0x', post('Transfer-Encoding: chunked\r\n', `0x5\r\nabcde\r\n0\r\n\r\n`)),
    bad('a chunk size with a plus', post('Transfer-Encoding: chunked\r\n', '+5\r\nabcde\r\n0\r\n\r\n')),
    bad(
      'a chunk that is longer than its size',
      post('Transfer-Encoding: chunked\r\n', `1\r\n${SAVE}\r\n0\r\n\r\n`)
    ),
    bad(
      'a chunk size that ends in a bare LF',
      post('Transfer-Encoding: chunked\r\n', `5\nabcde\r\n0\r\n\r\n`)
    ),
    bad('an empty chunk size', post('Transfer-Encoding: chunked\r\n', '\r\nabcde\r\n0\r\n\r\n')),
    bad(
      'a chunk extension of 20,000 characters',
      post('Transfer-Encoding: chunked\r\n', `5;${'x'.repeat(20_000)}\r\nabcde\r\n0\r\n\r\n`)
    ),
    bad(
      'a chunk extension with a bare CR',
      post('Transfer-Encoding: chunked\r\n', '5;a\rb\r\nabcde\r\n0\r\n\r\n')
    ),

    bad('a header on two lines (obs-fold)', get('X-A: b\r\n c\r\n')),
    bad('a folded line before the first header', 'GET /healthz HTTP/1.1\r\n x: y\r\nHost: x\r\n\r\n'),
    bad('NUL in a header', get('X-A: b\0c\r\n')),
    bad('a bare CR in a header', get('X-A: b\rAuthorization: x\r\n')),
    bad('a bare LF in a header', get('X-A: b\nX-B: c\r\n')),
    bad('a header without a name', get(': x\r\n')),
    bad('a header without a colon', get('nonsense\r\n')),
    bad('a header name with a space', get('X A: b\r\n')),
    bad('a header name with a bracket', get('X[A]: b\r\n')),
    bad('a header name that is not ASCII', get('X-Ä: b\r\n')),
    bad('a control character in a header', get('X-A: \x01\r\n')),
    bad('no Host', 'GET /healthz HTTP/1.1\r\n\r\n'),
    bad('lines that end in a bare LF', 'GET /healthz HTTP/1.1\nHost: x\n\n'),
    bad('lines that end in a bare CR', 'GET /healthz HTTP/1.1\rHost: x\r\r'),
    { name: 'HTTP/0.9', bytes: 'GET /api/sessions\r\n\r\n', statuses: [[400, 401]] },
    { name: 'HTTP/2.0 in the request line', bytes: get('', 'GET /healthz HTTP/2.0'), statuses: [[200, 400]] },
    bad('HTTP/1.2 in the request line', get('', 'GET /healthz HTTP/9.9')),
    bad('http in lower case', get('', 'GET /healthz http/1.1')),
    bad('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    bad('a method in lower case', get('', 'get /healthz HTTP/1.1')),
    bad('a method that is unknown', get('', 'BREW /healthz HTTP/1.1')),
    bad('a method of 5,000 letters', get('', `${'G'.repeat(5000)} /healthz HTTP/1.1`)),
    bad('a request line with a space within the path', get('', 'GET /api/ses sions HTTP/1.1')),
    bad('a request line with NUL', get('', 'GET /api/\0 HTTP/1.1')),
    bad('a request line with a tab', get('', 'GET\t/healthz\tHTTP/1.1')),
    bad('a TLS handshake', Buffer.from('16030100a5010000a10303', 'hex')),
    bad('a greeting of SSH', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'),
    bad('a PROXY header before the request', `PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n${get()}`),
    bad(
      'a binary PROXY header',
      Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a', 'hex'), Buffer.from(get())])
    ),
    bad('a command of Redis', '*1\r\n$4\r\nPING\r\n'),
    bad('a command of SMTP', 'EHLO x\r\nMAIL FROM:<x>\r\n'),
    bad('a start message of PostgreSQL', Buffer.from('0000000804d2162f', 'hex')),
    {
      name: 'bytes that are no request after a good one',
      bytes: `${get()}\x00\x01\x02\r\n\r\n`,
      statuses: [[200, 400]]
    },

    {
      name: 'a path of 20,000 characters',
      bytes: get('', `GET /${'x'.repeat(20_000)} HTTP/1.1`),
      statuses: [[431]]
    },
    { name: '3,000 headers', bytes: get('X: y\r\n'.repeat(3000)), statuses: [[200, 431]] },
    { name: 'a header of 20,000 characters', bytes: get(`X: ${'y'.repeat(20_000)}\r\n`), statuses: [[431]] },
    {
      name: 'trailers of 20,000 characters',
      bytes: post('Transfer-Encoding: chunked\r\n', `0\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`),
      statuses: [[400, 431]]
    },
    {
      name: 'a token in the trailers alone',
      bytes: `POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n${chunk.slice(0, -2)}Authorization: ${authorization}\r\n\r\n`,
      statuses: [[401]]
    },
    {
      name: 'a good token after a forged one, in two headers',
      bytes: `GET /api/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x.y.z\r\nAuthorization: ${authorization}\r\n\r\n`,
      statuses: [[401]]
    },
    {
      name: 'a token on two lines (obs-fold)',
      bytes: `GET /api/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n ${authorization.slice(7)}\r\n\r\n`,
      statuses: [[400]]
    },
    { name: 'two Host headers', bytes: get('Host: evil.example\r\n'), statuses: [[200, 400]] },
    {
      name: 'a Host with a user name',
      bytes: 'GET /healthz HTTP/1.1\r\nHost: user@evil.example\r\n\r\n',
      statuses: [[200, 400]]
    },
    {
      name: 'an absolute URL of another host',
      bytes: get('', 'GET http://169.254.169.254/latest/meta-data HTTP/1.1'),
      statuses: [[400, 404]]
    },
    {
      name: 'a path that begins with two slashes',
      bytes: get('', 'GET //evil.example/api/sessions HTTP/1.1'),
      statuses: [[400, 404]]
    },
    {
      name: 'a path that climbs out',
      bytes: get('', 'GET /docs/static/../../../../etc/passwd HTTP/1.1'),
      statuses: [[400, 404]]
    },
    {
      name: 'an encoded path that climbs out',
      bytes: get('', 'GET /docs/static/%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1'),
      statuses: [[400, 404]]
    },
    {
      name: 'a path with a backslash',
      bytes: get('', 'GET /docs\\..\\..\\etc\\passwd HTTP/1.1'),
      statuses: [[400, 404]]
    },
    {
      name: 'the API behind another path',
      bytes: 'GET /docs/../api/sessions HTTP/1.1\r\nHost: x\r\n\r\n',
      statuses: [[401, 404]]
    },
    {
      name: 'the API under an encoded slash',
      bytes: 'GET /api%2Fsessions HTTP/1.1\r\nHost: x\r\n\r\n',
      statuses: [[401, 404]]
    },
    {
      name: 'the API in upper case without a token',
      bytes: 'GET /API/SESSIONS HTTP/1.1\r\nHost: x\r\n\r\n',
      statuses: [[401, 404]]
    },
    {
      name: 'a tunnel (CONNECT)',
      bytes: 'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n',
      statuses: []
    },
    {
      name: 'an upgrade to WebSocket',
      bytes: get(
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n'
      ),
      statuses: [[200]]
    },
    {
      name: 'an upgrade to HTTP/2',
      bytes: get('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
      statuses: [[200]]
    },
    {
      name: 'an expectation that is unknown',
      bytes: post(`Expect: 200-ok\r\nContent-Length: ${SAVE.length}\r\n`, SAVE),
      statuses: [[417]]
    },
    {
      name: 'a request that traces itself',
      bytes: get('X-Secret: y\r\n', 'TRACE /api/sessions HTTP/1.1'),
      statuses: [[400, 404, 405]]
    },
    {
      name: 'a body of a GET that holds a request',
      bytes: get(`Content-Length: ${smuggled.length}\r\n`) + smuggled,
      statuses: [[200]]
    },
    { name: 'half a request line', bytes: 'GET /api/ses', statuses: [] },
    { name: 'half the headers', bytes: get().slice(0, -4), statuses: [] },
    { name: 'half a body', bytes: post(`Content-Length: ${SAVE.length + 10}\r\n`, SAVE), statuses: [] },
    {
      name: 'a chunked body without its end',
      bytes: post('Transfer-Encoding: chunked\r\n', chunk.slice(0, -5)),
      statuses: []
    },
    {
      name: 'half a request after a refused one',
      bytes: `GET /api/nowhere HTTP/1.1\r\n${auth}\r\nGET /api/ses`,
      statuses: [[404]]
    },
    { name: 'nothing', bytes: '', statuses: [] }
  ]
}

export async function tryFraming(t: Test, world: World, { name, bytes, statuses }: Framing) {
  const before = await world.state()
  const received = await exchange(world.port, bytes, statuses.length)
  const seen = statusesOf(received)
  // The end of the connection within a request may be answered with 400.
  const isIncomplete = seen.length === statuses.length + 1 && seen.at(-1) === 400
  const given = isIncomplete ? seen.slice(0, -1) : seen
  t.ok(
    given.length === statuses.length && given.every((status, index) => statuses[index]?.includes(status)),
    `${name}: ${statuses.join(' then ') || 'no answer'}, not ${seen.join(' then ') || 'none'}`
  )
  tellsNothing(t, { headers: {}, body: received }, name)
  await changesNothing(t, world, { name, before, isRefused: true })
}

const statusesOf = (received: string) =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

/**
 * Sends the bytes and returns all that the server sends until it closes the connection. Closes the sending
 * half once the answers have arrived and the server has been quiet, or after ten seconds.
 */
async function exchange(port: number, bytes: string | Buffer, answers: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  let quiet: NodeJS.Timeout | undefined
  const isAnswered = () => statusesOf(received).length >= answers
  return new Promise((resolve) => {
    const wait = () => {
      clearTimeout(quiet)
      quiet = setTimeout(() => socket.end(), isAnswered() ? QUIET_MS : PATIENCE_MS)
    }
    socket.on('connect', wait)
    socket.on('data', (piece) => {
      received += piece.toString('latin1')
      wait()
    })
    socket.on('error', () => {}) // the server may reset the connection
    socket.on('close', () => {
      clearTimeout(quiet)
      resolve(received)
    })
    socket.write(bytes)
  })
}
