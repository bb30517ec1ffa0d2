import type { ByteReader } from './byte-reader.ts'
import { damagedFile, invalidArchive } from './errors.ts'
import { readPath } from './safe-path.ts'

/** Signature of a local file header (APPNOTE.TXT of PKWARE, section 4.3.7). */
export const LOCAL_HEADER = 0x04034b50
const DESCRIPTOR = 0x08074b50

/** Sizes in bytes; `storedBytes` as they are in the archive. */
export type Sums = { crc: number; bytes: number; storedBytes: number }

/** What stands before a file. `sums` is null when they stand behind the file. */
export type FileHeader = { path: string; isDeflated: boolean; sums: Sums | null; isZip64: boolean }

const STORED = 0
const DEFLATED = 8
/** Bits of the flags (APPNOTE 6.3.10, 4.4.4): encrypted, strongly encrypted, masked directory; sums behind the file. */
const ENCRYPTED = 0x2041
const SUMS_FOLLOW = 0x0008
const UTF_8 = 0x0800
const MAX_32 = 0xffffffff

/**
 * Reads the header of a file (4.3.7).
 * @throws {ApiError} invalid_archive for what a stream cannot tell, for encryption, and for an unsafe path
 */
export async function readFileHeader(reader: ByteReader): Promise<FileHeader> {
  const fixed = await reader.take(30)
  const [flags, method] = [fixed.readUInt16LE(6), fixed.readUInt16LE(8)]
  const path = readPath(await reader.take(fixed.readUInt16LE(26)), (flags & UTF_8) !== 0)
  const extra = await reader.take(fixed.readUInt16LE(28))
  if (flags & ENCRYPTED) {
    throw invalidArchive(`The file ${path} is encrypted. Send an archive without a password.`)
  }
  if (method !== STORED && method !== DEFLATED) {
    throw invalidArchive(`The compression of the file ${path} is unknown: only Deflate is supported.`)
  }
  const sums = (flags & SUMS_FOLLOW) === 0 ? readSums(fixed.subarray(14), extra) : null
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
    if (extra.readUInt16LE(at) === 1) return extra.subarray(at + 4, end)
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
  const forms = [true, false].flatMap((isLarge) => [
    describe(sums, { isLarge }),
    describe(sums, { isLarge }).subarray(4)
  ])
  const usual = isZip64 ? forms : [...forms.slice(2), ...forms.slice(0, 2)]
  const found = usual.find((form) => next.subarray(0, form.length).equals(form))
  if (!found) throw damagedFile(path)
  await reader.take(found.length)
}

function describe({ crc, bytes, storedBytes }: Sums, { isLarge }: { isLarge: boolean }): Buffer {
  const record = Buffer.alloc(isLarge ? 24 : 16)
  record.writeUInt32LE(DESCRIPTOR, 0)
  record.writeUInt32LE(crc, 4)
  if (isLarge) {
    record.writeBigUInt64LE(BigInt(storedBytes), 8)
    record.writeBigUInt64LE(BigInt(bytes), 16)
  } else {
    record.writeUInt32LE(storedBytes % 2 ** 32, 8)
    record.writeUInt32LE(bytes % 2 ** 32, 12)
  }
  return record
}
