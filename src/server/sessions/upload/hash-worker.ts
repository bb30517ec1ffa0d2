/** The thread of `hash-thread.ts`. */
import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

/** The file's bytes from `start` to `end`; what starts at 0 begins anew. The last request of an `id` is answered. */
export type HashRequest = { id: number; fd: number; start: number; end: number; isLast: boolean }

export type HashAnswer = { id: number; sha256?: string; error?: string }

const buffer = Buffer.allocUnsafeSlow(256 * 1024)
/** What each `id` has come to: a hash, or what was wrong. */
const hashes = new Map<number, Hash | Error>()

function update(hash: Hash, { fd, start, end }: HashRequest): Hash | Error {
  try {
    for (let at = start; at < end;) {
      const length = readSync(fd, buffer, 0, Math.min(buffer.length, end - at), at)
      if (length === 0) throw new Error('The file is shorter than what was written')
      hash.update(buffer.subarray(0, length))
      at += length
    }
    return hash
  } catch (error) {
    return error as Error
  }
}

parentPort?.on('message', (request: HashRequest) => {
  const { id, start, isLast } = request
  const begun = start === 0 ? createHash('sha256') : (hashes.get(id) ?? new Error('The beginning is missing'))
  const hash = begun instanceof Error ? begun : update(begun, request)
  hashes.set(id, hash)
  if (!isLast) return
  hashes.delete(id)
  parentPort?.postMessage(
    (hash instanceof Error
      ? { id, error: hash.message }
      : { id, sha256: hash.digest('hex') }) satisfies HashAnswer
  )
})
