import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { toSpoolError } from './spool-fault.ts'
import { openNamelessFile } from './spool-file.ts'

const DEFAULT_MEMORY_BYTES = 512 * 1024
/** More than a socket buffers, so that each chunk must be sent before the next one is read. */
const CHUNK_BYTES = 256 * 1024

/**
 * Bytes between two writes to the disk. What the kernel has not written yet counts as memory of the process; where
 * memory is limited by a cgroup of version 1, the kernel ends the process instead of waiting for the disk.
 */
const SYNC_BYTES = 2 * 1024 * 1024

/**
 * Keeps bytes until they are needed: less than `memoryBytes` in memory, more in a temporary file. The file
 * has no name, so it is deleted with `close`, or with the process, however that ends.
 */
export function createSpool({ memoryBytes = DEFAULT_MEMORY_BYTES } = {}) {
  let buffer = Buffer.alloc(0)
  let buffered = 0
  let inFile = 0
  let synced = 0
  let file: FileHandle | undefined
  let isClosed = false

  async function reserve(bytes: number): Promise<Buffer> {
    if (buffered > 0 && buffered + bytes > memoryBytes) await flush()
    if (buffered + bytes > buffer.length) grow(buffered + bytes)
    return buffer.subarray(buffered)
  }

  function grow(bytes: number) {
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)))
    buffer.copy(larger, 0, 0, buffered)
    buffer = larger
  }

  function commit(bytes: number) {
    buffered += bytes
  }

  /** Moves what is in memory to the file. */
  async function flush() {
    try {
      file ??= await openNamelessFile()
      for (let done = 0; done < buffered;) {
        done += (await file.write(buffer, done, buffered - done, inFile + done)).bytesWritten
      }
      if (inFile + buffered - synced >= SYNC_BYTES) {
        await file.datasync()
        synced = inFile + buffered
      }
    } catch (cause) {
      throw toSpoolError(cause)
    }
    inFile += buffered
    buffered = 0
  }

  async function read(start: number, end: number, into?: Buffer): Promise<Buffer> {
    if (isClosed) throw new Error('The spool is closed')
    if (!file) return buffer.subarray(start, end)
    const bytes = into?.subarray(0, end - start) ?? Buffer.allocUnsafeSlow(end - start)
    for (let filled = 0; filled < bytes.length;) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
      if (bytesRead === 0) throw new Error('The spool file is shorter than what was written')
      filled += bytesRead
    }
    return bytes
  }

  function stream(): Readable {
    const size = inFile + buffered
    const chunk = file && Buffer.allocUnsafeSlow(CHUNK_BYTES)
    let at = 0
    return new Readable({
      highWaterMark: 0, // no reading ahead, because there is one buffer
      read() {
        const end = Math.min(at + CHUNK_BYTES, size)
        if (at === size) this.push(null)
        else {
          read(at, end, chunk).then(
            (bytes) => this.push(bytes),
            (error) => this.destroy(error)
          )
        }
        at = end
      }
    })
  }

  return {
    /** Bytes kept so far. */
    get size() {
      return inFile + buffered
    },

    /**
     * Returns memory for at least `bytes` bytes. Write to it, then call `commit` with the number of bytes to
     * keep.
     * @throws {ApiError} server_busy if the file cannot be written, such as on a full disk
     */
    reserve,
    commit,

    /** Appends a copy of these bytes. Await it before the next call. @throws {ApiError} server_busy */
    async write(bytes: Buffer): Promise<void> {
      commit(bytes.copy(await reserve(bytes.length)))
    },

    /** Await it after the last byte and before the first read. @throws {ApiError} server_busy */
    async finish(): Promise<void> {
      if (!file && buffered < memoryBytes) return
      await flush()
      buffer = Buffer.alloc(0)
    },

    /** Reads the bytes from `start` up to `end`, which must not exceed the size. */
    read: (start: number, end: number): Promise<Buffer> => read(start, end),

    /**
     * Streams all bytes; each stream starts at the beginning. Its chunks share one buffer, which is
     * overwritten when the next chunk is read: copy a chunk to keep it. A socket is done with a chunk before
     * it asks for the next.
     */
    stream,

    /**
     * Frees memory and file once pending reads are done. Later reads fail. It may be called more than once.
     */
    async close(): Promise<void> {
      isClosed = true
      buffer = Buffer.alloc(0)
      await file?.close().catch(() => {}) // the bytes are not needed any more
    }
  }
}
