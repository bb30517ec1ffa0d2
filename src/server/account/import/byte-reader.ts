import { incompleteArchive } from './errors.ts'

export type ByteReader = ReturnType<typeof createByteReader>

/** Reads bytes that arrive in pieces. One call at a time. */
export function createByteReader(pieces: AsyncIterator<Buffer>) {
  let held: Buffer = Buffer.alloc(0)
  let isEnded = false
  let arrived = 0

  async function fill(count: number): Promise<void> {
    while (held.length < count && !isEnded) {
      const next = await pieces.next()
      if (next.done) {
        isEnded = true
        return
      }
      arrived += next.value.length
      held = held.length === 0 ? next.value : Buffer.concat([held, next.value])
    }
  }

  function remove(count: number): Buffer {
    const bytes = held.subarray(0, count)
    held = held.subarray(bytes.length)
    return bytes
  }

  return {
    /** Bytes that have arrived so far. */
    arrived: () => arrived,

    /** The next bytes, which stay unread; fewer than `count` at the end. */
    async peek(count: number): Promise<Buffer> {
      await fill(count)
      return held.subarray(0, count)
    },

    /** @throws {ApiError} invalid_archive at the end */
    async take(count: number): Promise<Buffer> {
      await fill(count)
      if (held.length < count) throw incompleteArchive()
      return remove(count)
    },

    /** At least one byte, at most `max`, as they arrive. @throws {ApiError} invalid_archive at the end */
    async takeSome(max: number): Promise<Buffer> {
      await fill(1)
      if (held.length === 0) throw incompleteArchive()
      return remove(max)
    },

    /** Makes bytes that were taken last unread. */
    putBack(bytes: Buffer) {
      held = Buffer.concat([bytes, held])
    }
  }
}
