import { setTimeout as sleep } from 'node:timers/promises'
import { SIGNATURES } from '../zip-format.ts'
import type { Sums } from '../zip-records.ts'
import { createByteReader, type ByteReader } from './byte-reader.ts'
import { createDirectoryCheck, signatureOf } from './central-directory.ts'
import { invalidArchive } from './errors.ts'
import { readContent } from './read-content.ts'
import { readFileHeader } from './records.ts'

const NOTHING: Sums = { crc: 0, bytes: 0, storedBytes: 0 }

type Limits = {
  files: number
  /** Of all files together, uncompressed. */
  bytes: number
  /** Bytes by which the files may be larger than what has arrived of the archive. */
  expansion: number
  /** Reading is throttled: on average, expansion adds at most this many bytes a second. */
  expansionPerSecond: number
}

/** A file of an archive. `content` ends early if its reader stops; the rest is then skipped. */
export type ArchiveEntry = { path: string; content: AsyncGenerator<Buffer> }

/**
 * Reads a ZIP archive (APPNOTE 6.3.10, with ZIP64) as it arrives, in constant memory: the files in their order, then
 * the directory, which must describe them. Why no library does it: docs/decisions/0008-import-as-a-stream.md.
 * @throws {ApiError} invalid_archive for what is no archive, damaged, incomplete, encrypted, or above the limits, as
 * soon as it shows; the errors of `pieces`
 */
export async function* readArchive(
  pieces: AsyncIterable<Buffer>,
  limits: Limits
): AsyncGenerator<ArchiveEntry> {
  const iterator = pieces[Symbol.asyncIterator]()
  try {
    yield* readFiles(createByteReader(iterator), limits)
  } finally {
    await iterator.return?.()
  }
}

async function* readFiles(reader: ByteReader, limits: Limits): AsyncGenerator<ArchiveEntry> {
  const directory = createDirectoryCheck()
  const count = createCounter(reader, limits)
  for (let files = 0; (await signatureOf(reader)) === SIGNATURES.localHeader; files++) {
    if (files === limits.files) throw invalidArchive(`The archive has more than ${limits.files} files.`)
    const header = await readFileHeader(reader)
    const source = readContent(reader, header, { count })
    const { content, finish } = readWithRest(source)
    try {
      yield { path: header.path, content }
      directory.add({ path: header.path, sums: await finish() })
    } finally {
      await source.return(NOTHING)
    }
  }
  await directory.read(reader)
}

function createCounter(reader: ByteReader, { bytes: limit, expansion, expansionPerSecond }: Limits) {
  const start = performance.now()
  let total = 0
  return async (bytes: number): Promise<void> => {
    total += bytes
    const expanded = total - reader.arrived()
    if (total > limit) throw invalidArchive(`The files of the archive have more than ${limit} bytes.`)
    if (expanded > expansion) {
      throw invalidArchive(
        `The files of the archive are more than ${expansion} bytes larger than the archive.`
      )
    }
    const early = start + (expanded / expansionPerSecond) * 1000 - performance.now()
    if (early >= 1) await sleep(early)
  }
}

/** `finish` reads what the reader of `content` has left. It throws every failure of the content, also a caught one. */
function readWithRest(source: AsyncGenerator<Buffer, Sums>) {
  let sums: Sums | undefined
  let failure: unknown
  async function next(): Promise<IteratorResult<Buffer, Sums>> {
    try {
      const result = await source.next()
      if (result.done) sums = result.value
      return result
    } catch (error) {
      failure = error
      throw error
    }
  }
  async function* read() {
    for (let result = await next(); !result.done; result = await next()) yield result.value
  }
  async function finish(): Promise<Sums> {
    for (;;) {
      if (failure) throw failure
      if (sums) return sums
      await next()
    }
  }
  return { content: read(), finish }
}
