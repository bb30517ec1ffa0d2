import { DEFLATED, FLAGS, MAX_32, STORED, ZIP64_EXTRA } from '../zip-format.ts'
import { encodeDescriptor, type Sums } from '../zip-records.ts'
import type { ByteReader } from './byte-reader.ts'
import { damagedFile, invalidArchive } from './errors.ts'
import { readPath } from './safe-path.ts'

/** What stands before a file. `sums` is null when they stand behind the file. */
export type FileHeader = { path: string; isDeflated: boolean; sums: Sums | null; isZip64: boolean }

/**
 * Reads the header of a file (4.3.7).
 * @throws {ApiError} invalid_archive for what a stream cannot tell, for encryption, and for an unsafe path
 */
export async function readFileHeader(reader: ByteReader): Promise<FileHeader> {
  const fixed = await reader.take(30)
  const [flags, method] = [fixed.readUInt16LE(6), fixed.readUInt16LE(8)]
  const path = readPath(await reader.take(fixed.readUInt16LE(26)), (flags & FLAGS.utf8) !== 0)
  const extra = await reader.take(fixed.readUInt16LE(28))
  if (flags & FLAGS.encrypted) {
    throw invalidArchive(`The file ${path} is encrypted. Send an archive without a password.`)
  }
  if (method !== STORED && method !== DEFLATED) {
    throw invalidArchive(`The compression of the file ${path} is unknown: only Deflate is supported.`)
  }
  const sums = (flags & FLAGS.descriptorFollows) === 0 ? readSums(fixed.subarray(14), extra) : null
  const header = { path, isDeflated: method === DEFLATED, sums, isZip64: findZip64(extra) !== undefined }
  if (header.isDeflated || sums || path.endsWith('/')) return header // a folder is empty
  throw invalidArchive(
    `The file ${path} is stored without its size in front of it. Send the archive as it was exported.`
  )
}

/** CRC and sizes as the header, or the directory, has them; `extra` has sizes from 4 GiB on (4.5.3). */
export function readSums(fields: Buffer, extra: Buffer): Sums {
  const crc = fields.readUInt32LE(0)
  const [storedBytes, bytes] = [fields.readUInt32LE(4), fields.readUInt32LE(8)]
  const large = findZip64(extra)
  let at = 0
  const orLarge = (size: number) => {
    if (size !== MAX_32 || !large || at + 8 > large.length) return size
    at += 8
    return Number(large.readBigUInt64LE(at - 8))
  }
  const uncompressed = orLarge(bytes) // stands first
  return { crc, bytes: uncompressed, storedBytes: orLarge(storedBytes) }
}

function findZip64(extra: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length;) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === ZIP64_EXTRA) return extra.subarray(at + 4, end)
    at = end
  }
  return undefined
}

/**
 * Reads the sums behind a file (4.3.9): with or without a signature, with sizes of 4 or 8 bytes. Which of these it is
 * shows from the sums of what was read.
 * @throws {ApiError} invalid_archive when it is none of them
 */
export async function readDescriptor(
  reader: ByteReader,
  { path, isZip64 }: FileHeader,
  sums: Sums
): Promise<void> {
  const next = await reader.peek(24)
  const forms = ([8, 4] as const).flatMap((size) => {
    const signed = encodeDescriptor(sums, size)
    return [signed, signed.subarray(4)]
  })
  const usual = isZip64 ? forms : [...forms.slice(2), ...forms.slice(0, 2)]
  const found = usual.find((form) => next.subarray(0, form.length).equals(form))
  if (!found) throw damagedFile(path)
  await reader.take(found.length)
}
