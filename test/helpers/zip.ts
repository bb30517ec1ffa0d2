import { crc32, deflateRawSync } from 'node:zlib'

/** A file of an archive, and what the archive says about it where that is not the truth. */
export type ZipFile = {
  path: string | Buffer
  content?: string | Buffer
  isStored?: boolean
  flags?: number
  method?: number
  /** Sums in front of the file, behind it (with sizes of 8 bytes for `zip64`), or behind it without a signature. */
  sums?: 'header' | 'descriptor' | 'unsigned' | 'zip64'
  crc?: number
  bytes?: number
  storedBytes?: number
  /** As the directory has it, if that is different. */
  listed?: Partial<ZipFile> | null
}

const SUMS_FOLLOW = 8

function numbers(...fields: Array<[size: 2 | 4 | 8, value: number]>): Buffer {
  return Buffer.concat(
    fields.map(([size, value]) => {
      const field = Buffer.alloc(size)
      if (size === 8) field.writeBigUInt64LE(BigInt(value))
      else field.writeUIntLE(value, 0, size)
      return field
    })
  )
}

function describe(file: ZipFile) {
  const content = Buffer.from(file.content ?? '')
  const { isStored = false, sums = 'descriptor' } = file
  const stored = isStored ? content : deflateRawSync(content)
  const [bytes, storedBytes] = [file.bytes ?? content.length, file.storedBytes ?? stored.length]
  return {
    path: Buffer.from(file.path as string),
    stored,
    sums,
    isZip64: sums === 'zip64',
    flags: file.flags ?? (sums === 'header' ? 0x800 : 0x800 + SUMS_FOLLOW),
    method: file.method ?? (isStored ? 0 : 8),
    crc: file.crc ?? crc32(content),
    bytes,
    storedBytes
  }
}

function localPart(file: ZipFile): Buffer {
  const { path, stored, sums, isZip64, flags, method, crc, bytes, storedBytes } = describe(file)
  const size = isZip64 ? 8 : 4
  const inFront = sums === 'header'
  const extra = isZip64 ? numbers([2, 1], [2, 16], [8, 0], [8, 0]) : Buffer.alloc(0)
  const header = numbers(
    [4, 0x04034b50],
    [2, 20],
    [2, flags],
    [2, method],
    [4, 0],
    [4, inFront ? crc : 0],
    [4, inFront ? storedBytes : 0],
    [4, inFront ? bytes : 0],
    [2, path.length],
    [2, extra.length]
  )
  const signature = sums === 'unsigned' ? Buffer.alloc(0) : numbers([4, 0x08074b50])
  const behind = Buffer.concat([signature, numbers([4, crc], [size, storedBytes], [size, bytes])])
  return Buffer.concat([header, path, extra, stored, ...(inFront ? [] : [behind])])
}

function directoryPart(file: ZipFile): Buffer {
  const { path, flags, method, crc, bytes, storedBytes } = describe(file)
  return Buffer.concat([
    numbers([4, 0x02014b50], [2, 20], [2, 20], [2, flags], [2, method], [4, 0], [4, crc], [4, storedBytes]),
    numbers([4, bytes], [2, path.length], [2, 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, 0]),
    path
  ])
}

/** Makes an archive (APPNOTE 6.3.10), also one that a correct program would not make. */
export function zip(files: ZipFile[], { comment = '' } = {}): Buffer {
  const listed = files.flatMap((file) => (file.listed === null ? [] : [{ ...file, ...file.listed }]))
  const [content, directory] = [files.map(localPart), listed.map(directoryPart)].map((parts) =>
    Buffer.concat(parts)
  ) as [Buffer, Buffer]
  const end = numbers(
    [4, 0x06054b50],
    [4, 0],
    [2, listed.length],
    [2, listed.length],
    [4, directory.length],
    [4, content.length],
    [2, comment.length]
  )
  return Buffer.concat([content, directory, end, Buffer.from(comment)])
}
