import { randomUUID } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { open, readdir, unlink, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { ApiError } from '../../errors.ts'
import { BLOCK_BYTES, type Blocks } from './blocks.ts'
import type { RecordingHash } from './hash-thread.ts'

const PREFIX = 'harmony-upload-'

/** What needs no more does not take a block. */
const SMALL_BUFFER = 64 * 1024
const SMALLEST_BUFFER = 16 * 1024

/** One is being sent, one waits for that, one is being read. */
const SLICES = 3
/** More than a socket takes without asking to wait until it has been sent. */
const SLICE_BYTES = BLOCK_BYTES / SLICES

type Options = {
  blocks: Blocks
  /** A block less what is appended between two calls of `drain`. */
  memoryBytes: number
  /** Of what is kept, where somebody wants it. */
  hash?: RecordingHash
}

export type Spool = ReturnType<typeof createSpool>

/**
 * Keeps bytes until they are wanted: up to about `memoryBytes` of them in memory, more in a spool file. That file has no
 * name, so it goes with its descriptor: with `close`, or with the process, however that ends.
 */
export function createSpool({ blocks, memoryBytes, hash }: Options) {
  let buffer: Buffer = Buffer.alloc(0)
  let buffered = 0
  let spooled = 0
  let file: FileHandle | undefined
  /** Ours, as `buffer` or to be sent from. */
  let block: Buffer | undefined
  let streams = 0
  let isClosed = false

  function makeRoom(bytes: number) {
    const length = buffered + bytes
    if (length <= buffer.length) return
    const isForBlock = length > SMALL_BUFFER && length <= BLOCK_BYTES
    const larger = isForBlock
      ? (block ??= blocks.take())
      : Buffer.allocUnsafeSlow(Math.max(SMALLEST_BUFFER, roundUp(length)))
    buffer.copy(larger, 0, 0, buffered)
    buffer = larger
  }

  /** Moves what is in memory to the file. */
  async function flush() {
    try {
      file ??= await openNameless()
      for (let written = 0; written < buffered;) {
        written += (await file.write(buffer, written, buffered - written, spooled + written)).bytesWritten
      }
    } catch (cause) {
      throw new ApiError(
        'server_busy',
        'The server has no room for the recording at this moment. Repeat the request soon.',
        { cause }
      )
    }
    spooled += buffered
    buffered = 0
    hash?.useFile(file.fd, spooled)
  }

  function clear() {
    spooled = 0
    buffered = 0
    hash?.restart()
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

  async function* slices(size: number) {
    // Two streams at a time would overwrite each other.
    const isFirst = streams++ === 0
    const memory = file && (isFirst ? (block ??= blocks.take()) : blocks.take())
    for (let start = 0, turn = 0; start < size; start += SLICE_BYTES, turn = (turn + 1) % SLICES) {
      const at = turn * SLICE_BYTES
      yield await read(start, Math.min(start + SLICE_BYTES, size), memory?.subarray(at, at + SLICE_BYTES))
    }
  }

  return {
    /** Bytes kept so far. */
    get size() {
      return spooled + buffered
    },

    append(bytes: Buffer) {
      makeRoom(bytes.length)
      buffered += bytes.copy(buffer, buffered)
    },

    /** @returns how many bytes were appended; fewer than the digits stand for where some are none */
    appendBase64(digits: string): number {
      makeRoom(Buffer.byteLength(digits, 'base64'))
      const bytes = buffer.write(digits, buffered, 'base64')
      buffered += bytes
      return bytes
    },

    /**
     * To be awaited between appending and appending more: keeps memory bounded.
     * @returns undefined as long as there is room in memory
     * @throws {ApiError} server_busy when the file cannot be written: the disk is full
     */
    drain: (): Promise<void> | undefined => (buffered >= memoryBytes ? flush() : undefined),

    /** To be awaited before reading, after the last byte. @throws {ApiError} server_busy */
    async finish() {
      if (!file) return hash?.useMemory(buffer.subarray(0, buffered))
      await flush()
      buffer = Buffer.alloc(0)
    },

    /** Forgets what was kept. */
    clear,

    /** The bytes from `start` up to `end`, which must not be beyond the size. */
    read,

    /**
     * All of it, from the beginning each time, to be sent. Its chunks are lent: a chunk changes when the second one
     * after it is asked for, which no socket does before it is sent; whoever collects them gets nonsense.
     */
    stream: () => Readable.from(slices(spooled + buffered), { objectMode: false }),

    /**
     * Waits for what is still being read. More than once is fine.
     * @param isSent whether nobody holds, or is still sending, what came from here: then its memory is used again
     */
    async close({ isSent }: { isSent: boolean }) {
      isClosed = true
      buffer = Buffer.alloc(0)
      const ours = block
      block = undefined
      await hash?.settled()
      await file?.close().catch(() => {}) // nobody wants these bytes any more
      if (ours && isSent && streams <= 1) blocks.giveBack(ours)
    }
  }
}

/** To the next power of two, so that memory grows by doubling. */
const roundUp = (length: number) => 2 ** Math.ceil(Math.log2(length))

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), PREFIX + randomUUID())
  const file = await open(path, 'wx+', 0o600)
  try {
    unlinkSync(path)
  } catch (error) {
    // A server that was just starting may have swept the name away.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      await file.close()
      throw error
    }
  }
  return file
}

/**
 * Removes the names that processes left which died in the very moment between opening a spool file and removing its
 * name. Names of living processes may go as well: they were about to be removed.
 */
export async function sweepSpoolFiles(): Promise<void> {
  const names = await readdir(tmpdir())
  await Promise.allSettled(
    names.filter((name) => name.startsWith(PREFIX)).map((name) => unlink(join(tmpdir(), name)))
  )
}
