import type { FastifyInstance, FastifyRequest } from 'fastify'
import { collectIfDue } from '../../http/limits/collect-garbage.ts'
import type { Release } from '../../http/limits/fair-limiter.ts'
import { MEMORY_PER_BYTE, SMALL_BYTES } from '../../http/limits/memory-budget.ts'
import { LARGE_TEXT_BYTES, TEXT_PAUSE_MS } from './limiters.ts'
import type { ReceivedBody } from './receive-session-body.ts'

type ParseJson = (json: string) => Promise<unknown>

/**
 * Parses the JSON of a received body. One user has up to 1 MB of texts parsed at a time, or one larger text, with a
 * pause after each. Texts above 1 MB are parsed one at a time, because they must be in memory. Texts up to 16 kB do not
 * wait.
 * @param releases functions that give back the memory of a large text are added; call them once the session is saved
 * @throws {ApiError} malformed_body; server_busy if the wait is too long, or the deadline passes
 */
export async function parseInTurn(
  app: FastifyInstance,
  request: FastifyRequest,
  received: ReceivedBody,
  releases: Release[]
): Promise<unknown> {
  const { textBytes, largeTexts } = app.bodyLimiters
  const { deadline, user } = request
  const size = received.textBytes
  const parse = (json: string) => app.parseJson(request, json, received.toBodyOffset)
  if (size <= SMALL_BYTES) return received.parseText(parse)

  const release = await textBytes.acquire(user.sub, deadline, size)
  try {
    if (size <= LARGE_TEXT_BYTES) return await received.parseText(parse)
    const endTurn = await largeTexts.acquire(user.sub, deadline)
    releases.push(endTurn)
    const parsed = await parseLarge(received, parse)
    deadline.throwIfAborted() // the request was answered, and its `releases` were called
    // Saving may take long. With memory for the text, the next one need not wait for that.
    const memory = app.memoryBudget.bodies.tryAcquire(user.sub, size * MEMORY_PER_BYTE)
    if (memory) {
      releases.push(memory)
      endTurn()
    }
    return parsed
  } finally {
    setTimeout(release, TEXT_PAUSE_MS * Math.max(1, size / LARGE_TEXT_BYTES)).unref()
  }
}

/** Collects garbage before each step and after the last, if it is due, because small machines are short of memory. */
async function parseLarge(received: ReceivedBody, parse: ParseJson): Promise<unknown> {
  const collect = () => collectIfDue(received.textBytes)
  collect()
  const parsed = await received.parseText((json) => {
    collect() // the bytes are decoded, and no longer needed
    return parse(json)
  })
  collect()
  return parsed
}
