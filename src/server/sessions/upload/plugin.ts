import type { IncomingMessage } from 'node:http'
import { errorCodes, type FastifyInstance, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { collectGarbage } from '../../http/collect-garbage.ts'
import { clientGone, receiveBody } from '../../http/receive-body.ts'
import type { Release } from '../../http/fair-limiter.ts'
import { MEMORY_PER_BYTE } from '../../http/memory-budget.ts'
import { hasRecording, receiveSmallUpload, SMALL_UPLOAD_BYTES } from './small-upload.ts'
import { deleteAbandonedSpoolFiles } from './spool.ts'
import { receiveUpload, type ReceivedUpload } from './upload.ts'

/** Bodies up to this size do not wait for a place. */
const SMALL_BODY_BYTES = 1024 * 1024

/** Bodies up to this size do not wait for memory: the limits of connections bound the number of them. */
const TINY_BODY_BYTES = 16 * 1024
/** Memory for a body of any size: what its spools keep, and a text below the size of large ones. */
const MAX_BODY_MEMORY = 3 * 1024 * 1024

/** Minimum average rate of a body. A phone with a poor connection sends more than this. */
const MIN_BYTES_PER_SECOND = 4 * 1024

declare module 'fastify' {
  interface FastifyInstance {
    /** Content-type parser for the routes of this scope. */
    receiveJson: (request: FastifyRequest, payload: IncomingMessage) => Promise<unknown>
  }
  interface FastifyRequest {
    /** The received body with its recording, until the answer is sent. */
    upload: ReceivedUpload | undefined
    /** Memory and places to release with the answer. */
    uploadPlaces: Release[]
  }
}

/**
 * Receives the JSON bodies of its scope in bounded memory: a recording is not in `request.body` but in
 * `request.upload`. A body is read once there is memory for it. A limited number of large bodies is received
 * and saved at a time, at most a quarter of them from one user; the bodies of the other requests are not read
 * yet, and one of unknown size stops after its first megabyte. A large text must be in memory to be parsed, so
 * large texts are parsed one at a time. The routes need authentication, because the limit for one user needs
 * the user.
 */
async function receiveUploads(
  app: FastifyInstance,
  { config: { maxRecordingBytes, upload } }: { config: Pick<Config, 'maxRecordingBytes' | 'upload'> }
) {
  const { bodies, largeTexts } = app.uploadLimiters
  const { timeoutMs } = upload
  const minRate = { bytesPerSecond: MIN_BYTES_PER_SECOND, afterMs: Math.max(10_000, timeoutMs) }

  app.decorateRequest('upload')
  app.decorateRequest('uploadPlaces')

  app.addHook('onReady', () =>
    deleteAbandonedSpoolFiles().catch((error) =>
      app.log.warn({ err: error }, 'Spool files of earlier processes could not be deleted')
    )
  )

  // Before parsing: an error of the parser closes the connection, also of a client that is still sending.
  app.addHook('preParsing', async (request) => {
    request.uploadPlaces = []
    if (!isOfUnknownSize(request) && !(sizeOf(request) > TINY_BODY_BYTES)) return // or there is no body
    const gone = whenGone(request)
    if (sizeOf(request) > SMALL_BODY_BYTES) await takePlace(request, gone)
    const memory = await app.memoryBudget.acquire(request.user.sub, gone, memoryOf(request))
    request.uploadPlaces.push(memory)
  })

  async function takePlace(request: FastifyRequest, gone: AbortSignal) {
    request.uploadPlaces.push(await bodies.acquire(request.user.sub, gone))
  }

  /** A body of unknown size takes a place once it is large. */
  async function* takePlaceIfLarge(body: AsyncIterable<Buffer>, request: FastifyRequest) {
    let received = 0
    for await (const piece of body) {
      const before = received
      received += piece.length
      if (before <= SMALL_BODY_BYTES && received > SMALL_BODY_BYTES) {
        await takePlace(request, whenGone(request))
      }
      yield piece
    }
  }

  app.decorate('receiveJson', async (request: FastifyRequest, payload: IncomingMessage) => {
    const limit = request.routeOptions.bodyLimit
    if (sizeOf(request) > limit) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
    const body = receiveBody(payload, { limit, stallMs: timeoutMs, minRate })
    const receive = sizeOf(request) <= SMALL_UPLOAD_BYTES ? receiveSmallUpload : receiveUpload
    const received = await receive(
      isOfUnknownSize(request) ? takePlaceIfLarge(body, request) : body,
      maxRecordingBytes
    )
    request.upload = received
    const parse = () => received.parseText((json) => app.parseJson(request, json, received.toBodyOffset))
    const parsed = received.hasLargeText ? await parseAlone(request, parse) : await parse()
    return received.isBase64() ? parsed : withRefusedRecording(parsed)
  })

  /** Without the garbage of the text before, and leaving none of its own, as memory is short on small machines. */
  async function parseAlone(request: FastifyRequest, parse: () => Promise<unknown>): Promise<unknown> {
    request.uploadPlaces.push(await largeTexts.acquire(request.user.sub))
    collectGarbage()
    const parsed = await parse()
    collectGarbage()
    return parsed
  }

  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', app.receiveJson)

  // Runs for every answer, also if the client is gone. The body must not stay in memory while a client reads
  // the answer.
  app.addHook('onSend', async (request) => {
    request.body = undefined
    await request.upload?.close()
    for (const release of request.uploadPlaces ?? []) release()
  })
}

/** In place of a recording that is not base64: the schema refuses it together with all other faults. */
const withRefusedRecording = (parsed: unknown) =>
  hasRecording(parsed) ? { ...parsed, audioBase64: '%' } : parsed

/** The size that the client announced; NaN if it did not. */
const sizeOf = ({ headers }: FastifyRequest) => Number(headers['content-length'])

const isOfUnknownSize = (request: FastifyRequest) => request.headers['transfer-encoding'] !== undefined

const memoryOf = (request: FastifyRequest) =>
  isOfUnknownSize(request) ? MAX_BODY_MEMORY : Math.min(sizeOf(request) * MEMORY_PER_BYTE, MAX_BODY_MEMORY)

function whenGone({ raw }: FastifyRequest): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort(clientGone()))
  return gone.signal
}

export default fp(receiveUploads, { name: 'receive-uploads', dependencies: ['sessions', 'memory-budget'] })
