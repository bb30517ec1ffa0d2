import { DEFLATED, FLAGS, MAX_16, MAX_32, SIGNATURES, ZIP64_EXTRA } from './zip-format.ts'

/** A file as the archive's directory describes it. Sizes and the offset of its header are in bytes. */
export type ZipEntry = {
  path: string
  date: Date
  crc: number
  bytes: number
  storedBytes: number
  offset: number
}

const VERSION = 20
const ZIP64_VERSION = 45
const UNIX = 3 << 8
/** A regular file that its owner may write, and everyone read. */
const ATTRIBUTES = 0o100644 * 0x10000

const isLarge = (...numbers: number[]) => numbers.some((number) => number >= MAX_32)

/** Joins unsigned little-endian numbers. */
function pack(...fields: Array<[size: 2 | 4 | 8, value: number]>): Buffer {
  const record = Buffer.alloc(fields.reduce((sum, [size]) => sum + size, 0))
  let at = 0
  for (const [size, value] of fields) {
    if (size === 8) record.writeBigUInt64LE(BigInt(value), at)
    else record.writeUIntLE(value, at, size)
    at += size
  }
  return record
}

/** The header before the content (APPNOTE 6.3.10, 4.3.7). */
export function localHeader(file: Pick<ZipEntry, 'path' | 'date'>): Buffer {
  const path = Buffer.from(file.path)
  const sizes = pack([4, 0], [4, 0], [4, 0])
  return Buffer.concat([
    pack([4, SIGNATURES.localHeader], [2, VERSION]),
    description(file),
    sizes,
    pack([2, path.length], [2, 0]),
    path
  ])
}

/** CRC and sizes of a file in bytes; `storedBytes` as they are in the archive. */
export type Sums = Pick<ZipEntry, 'crc' | 'bytes' | 'storedBytes'>

/** The record after the content (4.3.9). */
export const dataDescriptor = (sums: Sums): Buffer =>
  encodeDescriptor(sums, isLarge(sums.bytes, sums.storedBytes) ? 8 : 4)

/** The record after the content, with sizes of four or eight bytes. Four have the low bytes of a larger size. */
export function encodeDescriptor({ crc, bytes, storedBytes }: Sums, size: 4 | 8): Buffer {
  const [stored, original] = [storedBytes, bytes].map((value) => (size === 4 ? value % 2 ** 32 : value))
  return pack([4, SIGNATURES.descriptor], [4, crc], [size, stored as number], [size, original as number])
}

/** The record of a file in the directory (4.3.12), with ZIP64 where a number needs it (4.5.3). */
export function directoryRecord(entry: ZipEntry): Buffer {
  const { crc, bytes, storedBytes, offset } = entry
  const isZip64 = isLarge(bytes, storedBytes, offset)
  const or32 = (value: number) => (isZip64 ? MAX_32 : value)
  const path = Buffer.from(entry.path)
  const extra = isZip64
    ? pack([2, ZIP64_EXTRA], [2, 24], [8, bytes], [8, storedBytes], [8, offset])
    : Buffer.alloc(0)
  return Buffer.concat([
    pack([4, SIGNATURES.directoryRecord], [2, UNIX | ZIP64_VERSION], [2, isZip64 ? ZIP64_VERSION : VERSION]),
    description(entry),
    pack([4, crc], [4, or32(storedBytes)], [4, or32(bytes)]),
    pack([2, path.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, ATTRIBUTES], [4, or32(offset)]),
    path,
    extra
  ])
}

/** The end of the archive (4.3.16), behind that of ZIP64 (4.3.14, 4.3.15) where a number needs it. */
export function endOfDirectory({
  count,
  bytes,
  offset
}: Record<'count' | 'bytes' | 'offset', number>): Buffer {
  const count16 = Math.min(count, MAX_16)
  const end = pack(
    [4, SIGNATURES.end],
    [2, 0],
    [2, 0],
    [2, count16],
    [2, count16],
    [4, Math.min(bytes, MAX_32)],
    [4, Math.min(offset, MAX_32)],
    [2, 0]
  )
  if (count < MAX_16 && !isLarge(bytes, offset)) return end
  const zip64 = pack(
    [4, SIGNATURES.zip64End],
    [8, 44],
    [2, UNIX | ZIP64_VERSION],
    [2, ZIP64_VERSION],
    [4, 0],
    [4, 0],
    [8, count],
    [8, count],
    [8, bytes],
    [8, offset]
  )
  const locator = pack([4, SIGNATURES.zip64Locator], [4, 0], [8, offset + bytes], [4, 1])
  return Buffer.concat([zip64, locator, end])
}

const description = ({ date }: Pick<ZipEntry, 'date'>) =>
  pack([2, FLAGS.descriptorFollows | FLAGS.utf8], [2, DEFLATED], [2, dosTime(date)], [2, dosDay(date)])

/** Times of a ZIP archive have no zone (4.4.6): these are UTC. Resolution: two seconds. Range: 1980 to 2107. */
const dosTime = (date: Date) =>
  (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1)

const dosDay = (date: Date) => {
  const year = Math.min(Math.max(date.getUTCFullYear(), 1980), 2107)
  return ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate()
}
