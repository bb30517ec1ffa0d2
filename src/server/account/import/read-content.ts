import { pipeline, type TransformOptions } from 'node:stream'
import { crc32, createInflateRaw, type ZlibOptions } from 'node:zlib'
import type { Sums } from '../zip-records.ts'
import type { ByteReader } from './byte-reader.ts'
import { damagedFile } from './errors.ts'
import { readDescriptor, type FileHeader } from './records.ts'

const PIECE_BYTES = 64 * 1024

type Options = {
  /** Is called with each number of bytes before they are yielded; it may wait, and throw. */
  count: (bytes: number) => Promise<void>
}

/**
 * Yields the content of a file, and checks its sums at the end.
 * @returns the sums
 * @throws {ApiError} invalid_archive; what `count` throws
 */
export async function* readContent(
  reader: ByteReader,
  header: FileHeader,
  { count }: Options
): AsyncGenerator<Buffer, Sums> {
  const { path, isDeflated, sums: announced } = header
  const sums = { crc: 0, bytes: 0, storedBytes: announced?.storedBytes ?? 0 }
  const setStored = (bytes: number) => {
    sums.storedBytes = bytes
  }
  const content = isDeflated ? inflate(reader, path, setStored) : readStored(reader, sums.storedBytes)
  for await (const chunk of content) {
    sums.crc = crc32(chunk, sums.crc)
    sums.bytes += chunk.length
    if (announced && sums.bytes > announced.bytes) throw damagedFile(path)
    await count(chunk.length)
    yield chunk
  }
  if (announced === null) await readDescriptor(reader, header, sums)
  else if (!isEqual(announced, sums)) throw damagedFile(path)
  return sums
}

const isEqual = (a: Sums, b: Sums) =>
  a.crc === b.crc && a.bytes === b.bytes && a.storedBytes === b.storedBytes

async function* readStored(reader: ByteReader, bytes: number): AsyncGenerator<Buffer> {
  for (let left = bytes; left > 0;) {
    const piece = await reader.takeSome(Math.min(left, PIECE_BYTES))
    left -= piece.length
    yield piece
  }
}

/** @param onEnd is called with the number of compressed bytes, which the compressed data tells by itself */
async function* inflate(
  reader: ByteReader,
  path: string,
  onEnd: (storedBytes: number) => void
): AsyncGenerator<Buffer> {
  // With this mark, a piece is taken only when zlib is done with the one before.
  const options = { chunkSize: PIECE_BYTES, writableHighWaterMark: 1 } satisfies ZlibOptions &
    TransformOptions
  const inflater = createInflateRaw(options)
  let taken = 0
  let last: Buffer = Buffer.alloc(0)
  async function* compressed() {
    // zlib takes all bytes up to the end of the compressed data, and none behind it.
    while (inflater.bytesWritten === taken) {
      last = await reader.takeSome(PIECE_BYTES)
      taken += last.length
      yield last
    }
  }
  try {
    for await (const chunk of pipeline(compressed(), inflater, () => {})) yield chunk as Buffer
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code?.startsWith('Z_') ? damagedFile(path, error) : error
  }
  reader.putBack(last.subarray(last.length - (taken - inflater.bytesWritten)))
  onEnd(inflater.bytesWritten)
}
