/** Sends the same large save many times at once. All requests share one body, which is written in chunks. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { answerParent, argument } from '../processes/script.ts'
import type { Target } from './target.ts'

/** The result of each save: 201, or status and code of the problem, or the error code of the connection. */
export type SavesResult = { answers: Array<number | string>; ms: number }

const CHUNK_BYTES = 256 * 1024
const fixture = readFileSync(new URL('../../test/fixtures/recording.webm', import.meta.url))

/**
 * A body with a recording of `bytes` bytes: a real one, padded with random bytes, which resemble compressed
 * audio.
 */
function createBody(bytes: number): Buffer {
  const recording = Buffer.concat([fixture, randomBytes(Math.max(0, bytes - fixture.length))])
  return Buffer.from(
    JSON.stringify({
      songName: 'Ode to Joy',
      instrument: 'Piano',
      duration: 1800,
      audioBase64: recording.toString('base64')
    })
  )
}

async function save({ url, token }: Target, body: Buffer): Promise<number | string> {
  const outgoing = request(`${url}/api/sessions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': body.length
    }
  })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  try {
    await Promise.race([send(outgoing, body), answered])
    const [response] = await answered
    const problem = await text(response)
    return response.statusCode === 201 ? 201 : `${response.statusCode} ${/"code":"(\w+)"/.exec(problem)?.[1]}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  } finally {
    outgoing.destroy()
  }
}

async function send(outgoing: ReturnType<typeof request>, body: Buffer) {
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    if (!outgoing.write(body.subarray(at, at + CHUNK_BYTES))) await once(outgoing, 'drain')
  }
  outgoing.end()
}

const { bytes } = argument() as { bytes: number }
const body = createBody(bytes)

answerParent('ready', async (question): Promise<SavesResult> => {
  const { count, ...target } = question as Target & { count: number }
  const start = performance.now()
  const answers = await Promise.all(Array.from({ length: count }, () => save(target, body)))
  return { answers, ms: performance.now() - start }
})
