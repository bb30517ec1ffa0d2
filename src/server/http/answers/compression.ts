import { Readable, pipeline } from 'node:stream'
import { createGzip, gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import Negotiator from 'negotiator'
import { addToVary } from './vary.ts'

/** An answer of less fits into one packet anyway. */
const MIN_BYTES = 1024

/** Up to this size, compressing at once (about a millisecond) costs half of what it costs in another thread. */
const MAX_SYNC_CHARACTERS = 128 * 1024

/** Higher levels, and Brotli at any, need up to four times the CPU and save at most a tenth of the bytes. */
const OPTIONS = { level: 1 }

/**
 * Compresses JSON of 1 kB and more with gzip when the client accepts it (RFC 9110, 12.5.3). Long answers stay
 * streams. A strong `ETag` becomes weak, because the bytes of the answer depend on the coding (RFC 9110,
 * 8.8.1).
 */
async function compression(app: FastifyInstance) {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (!isJson(reply)) return done(null, payload)
    addToVary(reply, 'Accept-Encoding')
    if (!isWorthwhile(payload) || !acceptsGzip(request)) return done(null, payload)
    reply.header('content-encoding', 'gzip').removeHeader('content-length')
    weakenTag(reply)
    done(null, compress(payload))
  })
}

const isJson = (reply: FastifyReply) =>
  /^application\/([\w.-]+\+)?json\b/.test(String(reply.getHeader('content-type')))

const isWhole = (payload: unknown): payload is string | Buffer =>
  typeof payload === 'string' || Buffer.isBuffer(payload)

const isWorthwhile = (payload: unknown): payload is string | Buffer | Readable =>
  isWhole(payload) ? payload.length >= MIN_BYTES : payload instanceof Readable

const acceptsGzip = (request: FastifyRequest) =>
  new Negotiator(request).encoding(['gzip', 'identity']) === 'gzip'

function weakenTag(reply: FastifyReply) {
  const tag = reply.getHeader('etag')
  if (typeof tag === 'string' && !tag.startsWith('W/')) reply.header('etag', `W/${tag}`)
}

function compress(payload: string | Buffer | Readable): Buffer | Readable {
  if (isWhole(payload) && payload.length <= MAX_SYNC_CHARACTERS) return gzipSync(payload, OPTIONS)
  const source = isWhole(payload) ? Readable.from([payload]) : payload
  // The failure of either stream destroys the other: a failed answer breaks off, and nothing is read for a
  // client that left.
  return pipeline(source, createGzip(OPTIONS), () => {})
}

export default fp(compression, { name: 'compression' })
