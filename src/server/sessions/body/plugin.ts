import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { announcedSize } from '../../http/bodies/announced-size.ts'
import { clientGone } from '../../http/bodies/body-errors.ts'
import { collectBody, receiveBody } from '../../http/bodies/receive-body.ts'
import { deleteAbandonedSpoolFiles } from '../../http/bodies/spool-file.ts'
import { MEMORY_PER_BYTE, SMALL_BYTES } from '../../http/limits/memory-budget.ts'
import { MAX_BODY_MEMORY, minRateOf } from './limiters.ts'
import { parseInTurn } from './parse-in-turn.ts'
import { hasRecording, parseSmallBody, MAX_WHOLE_BYTES } from './small-body.ts'
import { receiveSessionBody, type ReceivedBody } from './receive-session-body.ts'

/** Bodies up to this size do not wait for a place. */
const MAX_BYTES_WITHOUT_PLACE = 1024 * 1024

declare module 'fastify' {
  interface FastifyInstance {
    /** Content-type parser for the routes of this scope. */
    receiveJson: (request: FastifyRequest, payload: IncomingMessage) => Promise<unknown>
  }
  interface FastifyRequest {
    /** The received body with its recording, until the answer begins. */
    receivedBody: ReceivedBody | undefined
  }
}

/**
 * Receives the JSON bodies of its scope in bounded memory: a recording is not in `request.body` but in
 * `request.receivedBody`. A limited number of bodies that are large, or of unknown size, is received and saved at a
 * time, at most a quarter of them from one user. A body is read only after it has a place and memory. The routes need
 * authentication, because the limit for one user needs the user.
 */
async function receiveSessionBodies(
  app: FastifyInstance,
  {
    config: { maxRecordingBytes, bodies: limitsOfBodies }
  }: { config: Pick<Config, 'maxRecordingBytes' | 'bodies'> }
) {
  const { bodies } = app.bodyLimiters
  const limits = {
    stallMs: limitsOfBodies.timeoutMs,
    minRate: minRateOf(app.bodyLimiters.bodies, app.memoryBudget.bodies)
  }

  app.decorateRequest('receivedBody')

  app.addHook('onReady', () =>
    deleteAbandonedSpoolFiles().catch((error) =>
      app.log.warn({ err: error }, 'Spool files of earlier processes could not be deleted')
    )
  )

  // Before the parser: Fastify closes the connection after an error in a parser.
  app.addHook('preParsing', async (request) => {
    request.bodyReleases = []
    if (sizeOf(request) <= SMALL_BYTES) return
    const { sub } = request.user
    const ended = endSignal(request)
    // In this order for every body: those that wait for a place must not hold memory.
    if (sizeOf(request) > MAX_BYTES_WITHOUT_PLACE) {
      request.bodyReleases.push(await bodies.acquire(sub, ended))
    }
    request.bodyReleases.push(await app.memoryBudget.bodies.acquire(sub, ended, memoryOf(request)))
  })

  app.decorate('receiveJson', async (request: FastifyRequest, payload: IncomingMessage) => {
    const received = await receive(request, payload)
    if (request.deadlineController?.signal.aborted) {
      await received.close() // it was answered while the body arrived
      throw request.deadlineController.signal.reason
    }
    request.receivedBody = received
    const parsed = await parseInTurn(app, request, received, (request.bodyReleases ??= []))
    return received.isBase64() ? parsed : withRefusedRecording(parsed)
  })

  async function receive(request: FastifyRequest, payload: IncomingMessage): Promise<ReceivedBody> {
    if (sizeOf(request) <= MAX_WHOLE_BYTES) {
      return parseSmallBody(await collectBody(payload, limits), maxRecordingBytes)
    }
    const limit = request.routeOptions.bodyLimit
    return receiveSessionBody(receiveBody(payload, { limit, ...limits }), maxRecordingBytes)
  }

  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', app.receiveJson)

  // Runs for every answer, also if the client is gone. The body must not stay in memory while a client reads
  // the answer.
  app.addHook('onSend', async (request) => {
    request.body = undefined
    await request.receivedBody?.close()
  })
}

/** Replaces a recording that is not base64 by `%`, which the schema refuses, so that one answer lists all faults. */
const withRefusedRecording = (parsed: unknown) =>
  hasRecording(parsed) ? { ...parsed, audioBase64: '%' } : parsed

const sizeOf = ({ headers }: FastifyRequest) => announcedSize(headers)

const memoryOf = (request: FastifyRequest) => Math.min(sizeOf(request) * MEMORY_PER_BYTE, MAX_BODY_MEMORY)

/** Aborts when the client is gone, and at the deadline. */
function endSignal({ raw, deadline }: FastifyRequest): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort(clientGone()))
  return AbortSignal.any([deadline, gone.signal])
}

export default fp(receiveSessionBodies, {
  name: 'receive-session-bodies',
  dependencies: ['sessions', 'memory-budget']
})
