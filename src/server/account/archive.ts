import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream'
import { crc32, createDeflateRaw, deflateRawSync } from 'node:zlib'
import { dataDescriptor, directoryRecord, endOfDirectory, localHeader, type ZipEntry } from './zip-records.ts'

/** Smaller pieces are joined. */
const PIECE_BYTES = 64 * 1024

/** A file of the archive. `sha256` is lower-case hexadecimal. */
export type ArchivedFile = { path: string; bytes: number; sha256: string }

/**
 * `isCompressible` is false for files that are compressed already. These are deflated without compression: unlike a
 * stored file (APPNOTE 6.3.10, 4.4.5), one that is deflated tells where it ends, so the archive can be read as it
 * arrives.
 */
type FileOptions = { path: string; date: Date; isCompressible?: boolean }

export type Archive = ReturnType<typeof createArchive>

/**
 * Writes a ZIP archive (APPNOTE 6.3.10, with ZIP64) as the bytes that `add` and `end` yield, one after the other.
 * It keeps about 200 bytes for each file, and one piece of the file that is read.
 */
export function createArchive() {
  /** A string for each file: an object would take several times the memory. */
  const entries: string[] = []
  let offset = 0
  const count = (chunk: Buffer) => {
    offset += chunk.length
    return chunk
  }

  return {
    /** Throws the failure of `pieces`: then the archive is incomplete. */
    async *add(
      { path, date, isCompressible = true }: FileOptions,
      pieces: AsyncIterable<string | Buffer>
    ): AsyncGenerator<Buffer, ArchivedFile> {
      const start = offset
      yield count(localHeader({ path, date }))
      const content = offset
      const { measured, result } = measure(join(pieces))
      for await (const chunk of deflate(measured, isCompressible ? 1 : 0)) yield count(chunk)
      const { sha256, ...sums } = result()
      const entry = { path, date, ...sums, storedBytes: offset - content, offset: start, sha256 }
      yield count(dataDescriptor(entry))
      entries.push(toText(entry))
      return toArchivedFile(entry)
    },

    /** The files that were added. */
    *files(): Generator<ArchivedFile> {
      for (const text of entries) yield toArchivedFile(fromText(text))
    },

    /** The directory. Without it, no program opens the archive. */
    async *end(): AsyncGenerator<Buffer> {
      const start = offset
      for (const text of entries) yield count(directoryRecord(fromText(text)))
      yield endOfDirectory({ count: entries.length, bytes: offset - start, offset: start })
    }
  }
}

/** Joins small pieces, such as those of JSON: each piece that is compressed is a task of its own. */
async function* join(pieces: AsyncIterable<string | Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece)
    held.push(bytes)
    size += bytes.length
    if (size < PIECE_BYTES) continue
    yield held.length === 1 ? bytes : Buffer.concat(held)
    held = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(held)
}

/** `result` tells what the pieces that were read have together. */
function measure(pieces: AsyncIterable<Buffer>) {
  const hash = createHash('sha256')
  let crc = 0
  let bytes = 0
  async function* measured() {
    for await (const piece of pieces) {
      hash.update(piece)
      crc = crc32(piece, crc)
      bytes += piece.length
      yield piece
    }
  }
  return { measured: measured(), result: () => ({ crc, bytes, sha256: hash.digest('base64') }) }
}

/**
 * Compresses a file of one piece at once: a stream takes 270 kB of memory. A failure of the source destroys the stream
 * with it, and the other way round.
 */
async function* deflate(source: AsyncGenerator<Buffer>, level: number): AsyncGenerator<Buffer> {
  const first = await source.next()
  const second = await source.next()
  if (second.done) yield deflateRawSync(first.done ? '' : first.value, { level })
  else yield* pipeline(prepend([first.value, second.value], source), createDeflateRaw({ level }), () => {})
}

async function* prepend<T>(first: T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first
  yield* rest
}

/** `sha256` is base64, which is shorter. */
type Kept = ZipEntry & { sha256: string }

const toArchivedFile = ({ path, bytes, sha256 }: Kept): ArchivedFile => ({
  path,
  bytes,
  sha256: Buffer.from(sha256, 'base64').toString('hex')
})

/** `join` makes one flat string; JSON.stringify would make one of linked parts, which takes twice the memory. */
const toText = ({ path, date, crc, bytes, storedBytes, offset, sha256 }: Kept): string =>
  [path, sha256, date.getTime(), crc, bytes, storedBytes, offset].join('\0')

function fromText(text: string): Kept {
  const [path = '', sha256 = '', ...rest] = text.split('\0')
  const [time = 0, crc = 0, bytes = 0, storedBytes = 0, offset = 0] = rest.map(Number)
  return { path, sha256, date: new Date(time), crc, bytes, storedBytes, offset }
}
