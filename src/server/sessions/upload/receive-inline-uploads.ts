import type { IncomingMessage } from 'node:http'
import { errorCodes, type FastifyInstance, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { createBlocks } from './blocks.ts'
import { createHashThread } from './hash-thread.ts'
import { clientGone, receive } from '../../http/receive-body.ts'
import { createUploadLimiter } from '../../http/upload-limiter.ts'
import { sweepSpoolFiles } from './spool.ts'
import { createInlineUpload, type InlineUpload } from './inline-upload.ts'

/** Bodies up to this size never wait. */
const SMALL_BODY = 1024 * 1024

/** Nobody is to hold a place by a byte now and then; a phone at the edge of its network sends more than this. */
const LEAST_BYTES_PER_SECOND = 4 * 1024

declare module 'fastify' {
  interface FastifyRequest {
    /** Holds the recording of the body, until the answer is sent. */
    inlineUpload: InlineUpload | undefined
  }
}

/**
 * Lets the routes of its scope receive bodies in bounded memory: the recording is not in `request.body` but in
 * `request.inlineUpload`. Of the larger ones only so many are received and saved at a time, a quarter of them from one
 * user. The others wait, and are not read meanwhile; of those with much text, which has to be in memory to be parsed,
 * one at a time. The routes need authentication: users are told by their tokens.
 */
async function receiveInlineUploads(
  app: FastifyInstance,
  { config }: { config: Pick<Config, 'maxRecordingBytes' | 'upload'> }
) {
  const { concurrency, waitMs, timeoutMs } = config.upload
  const slots = createUploadLimiter({ count: concurrency, waitMs })
  const blocks = createBlocks({ keep: concurrency })
  const hashThread = createHashThread()
  const largeTexts = createUploadLimiter({ count: 1, waitMs })
  const leastRate = { bytesPerSecond: LEAST_BYTES_PER_SECOND, afterMs: Math.max(60_000, 2 * timeoutMs) }

  app.decorateRequest('inlineUpload')

  app.addHook('onReady', () =>
    sweepSpoolFiles().catch((error) =>
      app.log.warn({ err: error }, 'Spool files of earlier processes may be left')
    )
  )

  app.addHook('onListen', async () => hashThread.start())
  app.addHook('onClose', () => hashThread.close())

  // Not in the parser, after which a refusal would cut the connection of a client that is still sending.
  app.addHook('preParsing', async (request) => {
    request.inlineUpload = createInlineUpload({
      maxRecordingBytes: config.maxRecordingBytes,
      blocks,
      hashThread
    })
    if (isLarge(request)) request.inlineUpload.hold(await slots.acquire(request.user.sub, whenGone(request)))
  })

  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', async (request: FastifyRequest, body: IncomingMessage) => {
    const upload = request.inlineUpload as InlineUpload
    const limit = request.routeOptions.bodyLimit
    if (sizeOf(request) > limit) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
    await receive(body, {
      limit,
      stallMs: timeoutMs,
      leastRate: isLarge(request) ? leastRate : undefined,
      write: upload.write
    })
    await upload.end()
    if (upload.hasLargeText()) upload.hold(await largeTexts.acquire(request.user.sub))
    return upload.parseText((bytes) => app.parseJson(request, bytes))
  })

  // Whatever the answer is, and whether or not somebody is there to hear it: now it is settled.
  app.addHook('onSend', async (request, reply) => {
    await request.inlineUpload?.close({ isSaved: reply.statusCode < 400 })
  })
}

/** The size that the client announced; not a number when it did not. */
const sizeOf = ({ headers }: FastifyRequest) => Number(headers['content-length'])

const isLarge = (request: FastifyRequest) =>
  sizeOf(request) > SMALL_BODY || request.headers['transfer-encoding'] !== undefined

function whenGone({ raw }: FastifyRequest): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort(clientGone()))
  return gone.signal
}

export default fp(receiveInlineUploads, { name: 'receive-inline-uploads' })
