import { crc32, inflateRawSync } from 'node:zlib'

/**
 * Reads a ZIP archive by its directory (APPNOTE 6.3.10), with ZIP64, and checks the CRC of each file where Node.js
 * can. A library that reads would be one more package.
 * @throws {Error} for an archive that is incomplete
 */
export function unzip(archive: Buffer): Map<string, Buffer> {
  const end = archive.lastIndexOf('PK\u0005\u0006', undefined, 'latin1')
  if (end === -1) throw new Error('The archive has no directory')
  let [count, at] = [archive.readUInt16LE(end + 10), archive.readUInt32LE(end + 16)]
  if (at === 0xffffffff || count === 0xffff) {
    const zip64 = Number(archive.readBigUInt64LE(end - 20 + 8))
    count = Number(archive.readBigUInt64LE(zip64 + 32))
    at = Number(archive.readBigUInt64LE(zip64 + 48))
  }
  const files = new Map<string, Buffer>()
  for (; count > 0; count--) {
    const [method, crc] = [archive.readUInt16LE(at + 10), archive.readUInt32LE(at + 16)]
    const [size, nameLength] = [archive.readUInt32LE(at + 20), archive.readUInt16LE(at + 28)]
    const local = archive.readUInt32LE(at + 42)
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const stored = archive.subarray(start, start + size)
    const content = method === 0 ? stored : inflateRawSync(stored)
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength)
    if (crc32 !== undefined && crc32(content) !== crc) throw new Error(`${name} has another CRC`)
    files.set(name, content)
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return files
}
