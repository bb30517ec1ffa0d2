import { createHash } from 'node:crypto'
import { FLAGS, SIGNATURES } from '../zip-format.ts'
import type { Sums } from '../zip-records.ts'
import type { ByteReader } from './byte-reader.ts'
import { incompleteArchive, invalidArchive } from './errors.ts'
import { readSums } from './records.ts'
import { readPath } from './safe-path.ts'

/** How an archive without files may start. */
const STARTS = new Set([SIGNATURES.end, SIGNATURES.zip64End])

type File = { path: string; sums: Sums }

/**
 * Compares the directory at the end of an archive with the files before it: in the same order, with equal paths, CRCs
 * and sizes. It keeps one hash, and no file.
 */
export function createDirectoryCheck() {
  const files = createHash('sha256')
  let count = 0

  return {
    /** A file that was read. */
    add(file: File) {
      files.update(describe(file))
      count++
    },

    /**
     * Reads the directory (APPNOTE 6.3.10, 4.3.12 to 4.3.16) to the end of the archive.
     * @throws {ApiError} invalid_archive
     */
    async read(reader: ByteReader): Promise<void> {
      if (count === 0 && !STARTS.has(await signatureOf(reader))) throw noArchive()
      const listed = createHash('sha256')
      for (let left = count; (await signatureOf(reader)) === SIGNATURES.directoryRecord; left--) {
        if (left === 0) throw differs()
        listed.update(describe(await readRecord(reader)))
      }
      await readEnd(reader)
      if (listed.digest('hex') !== files.digest('hex')) throw differs()
    }
  }
}

const describe = ({ path, sums }: File) => `${path}\0${sums.crc}\0${sums.bytes}\0${sums.storedBytes}\0`

/** The signature of the next record. @throws {ApiError} invalid_archive at the end */
export async function signatureOf(reader: ByteReader): Promise<number> {
  const bytes = await reader.peek(4)
  if (bytes.length < 4) throw incompleteArchive()
  return bytes.readUInt32LE()
}

async function readRecord(reader: ByteReader): Promise<File> {
  const fixed = await reader.take(46)
  const path = readPath(await reader.take(fixed.readUInt16LE(28)), (fixed.readUInt16LE(8) & FLAGS.utf8) !== 0)
  const extra = await reader.take(fixed.readUInt16LE(30))
  await reader.take(fixed.readUInt16LE(32)) // comment
  return { path, sums: readSums(fixed.subarray(16), extra) }
}

/** Only the structure counts: the files were read one after the other, so nothing is looked up by its offset. */
async function readEnd(reader: ByteReader): Promise<void> {
  if ((await signatureOf(reader)) === SIGNATURES.zip64End) await reader.take(56)
  if ((await signatureOf(reader)) === SIGNATURES.zip64Locator) await reader.take(20)
  if ((await signatureOf(reader)) !== SIGNATURES.end) throw differs()
  const end = await reader.take(22)
  await reader.take(end.readUInt16LE(20)) // comment
  if ((await reader.peek(1)).length > 0) throw differs()
}

const noArchive = () => invalidArchive('This is not a ZIP archive. Send the archive as it was exported.')

const differs = () =>
  invalidArchive(
    'The directory at the end of the archive does not match its files. Send the archive as it was exported.'
  )
