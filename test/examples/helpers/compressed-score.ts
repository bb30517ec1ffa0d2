import { deflateRawSync } from 'node:zlib'

type File = { name: string; content: string | Buffer; stored?: boolean; encrypted?: boolean }

/** A ZIP archive without checksums, which readers of scores do not compare. */
export function zip(files: File[]): Buffer<ArrayBuffer> {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content, stored = false, encrypted = false } of files) {
    const plain = Buffer.from(content)
    const data = stored ? plain : deflateRawSync(plain)
    // Version, flags, method, time, date, checksum, sizes and the length of the name.
    const header = Buffer.alloc(26)
    header.writeUInt16LE(20, 0)
    header.writeUInt16LE(encrypted ? 1 : 0, 2)
    header.writeUInt16LE(stored ? 0 : 8, 4)
    header.writeUInt32LE(data.length, 14)
    header.writeUInt32LE(plain.length, 18)
    header.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), header, Buffer.from(name), data])
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), header, place, Buffer.from(name))
    locals.push(local)
    offset += local.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(Buffer.concat(directory).length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.from(Buffer.concat([...locals, ...directory, end]))
}

/** A score as notation programs compress it (.mxl): the container names the score, which is not the first file. */
export function compressedScore(content: string | Buffer): Buffer<ArrayBuffer> {
  const container = '<container><rootfiles><rootfile full-path="score.musicxml"/></rootfiles></container>'
  return zip([
    { name: 'mimetype', content: 'application/vnd.recordare.musicxml', stored: true },
    { name: 'META-INF/container.xml', content: container },
    { name: 'cover.xml', content: '<cover/>' },
    { name: 'score.musicxml', content }
  ])
}
