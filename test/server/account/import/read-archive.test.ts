import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { createArchive } from '../../../../src/server/account/archive.ts'
import { readArchive } from '../../../../src/server/account/import/read-archive.ts'
import { unzip } from '../../../helpers/unzip.ts'
import { zip, type ZipFile } from '../../../helpers/zip.ts'

async function* inPieces(archive: Buffer, size: number) {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size)
}

const LIMITS = { files: 10, bytes: 5_000_000, expansion: 4_000_000, expansionPerSecond: Infinity }

async function read(archive: Buffer, size = 64 * 1024, limits = LIMITS) {
  const files: Array<[string, string]> = []
  for await (const { path, content } of readArchive(inPieces(archive, size), limits)) {
    files.push([path, (await buffer(content)).toString()])
  }
  return files
}

const note: ZipFile = { path: 'a/note.txt', content: 'Left hand alone first. '.repeat(20) }

t.test('reads files in every form that a stream can tell, in pieces of any size', async (t) => {
  const forms: Record<string, ZipFile> = {
    'sums behind the file': note,
    'sums behind it without a signature': { ...note, sums: 'unsigned' },
    'sums behind it with sizes of 8 bytes': { ...note, sums: 'zip64' },
    'sums in front': { ...note, sums: 'header' },
    'stored, with sums in front': { ...note, sums: 'header', isStored: true },
    empty: { ...note, content: '' }
  }
  for (const [name, file] of Object.entries(forms)) {
    const archive = zip([file, { path: 'folder/', isStored: true }, file], { comment: 'by hand' })
    const content = `${file.content}`
    const expected = [
      ['a/note.txt', content],
      ['folder/', ''],
      ['a/note.txt', content]
    ]
    for (const size of [1, 7, 4096]) t.strictSame(await read(archive, size), expected, `${name}, ${size}`)
  }
  t.strictSame(await read(zip([])), [])
  const path = Buffer.from('Für Elise', 'latin1')
  t.strictSame(await read(zip([{ path, flags: 8 }])), [['Für Elise', '']], 'a path that is not in UTF-8')
})

t.test('reads what an export writes, also files that it does not compress', async (t) => {
  const archive = createArchive()
  const date = new Date('2026-11-22')
  async function* content() {
    for (let i = 0; i < 40; i++) yield Buffer.alloc(50_000, `PK\u0007\u0008${i}`)
  }
  async function* write() {
    yield* archive.add({ path: 'scores', date }, content())
    yield* archive.add({ path: 'recording', date, isCompressible: false }, content())
    yield* archive.end()
  }
  const bytes = await buffer(write())
  const files = new Map(await read(bytes, 1000))
  t.strictSame(
    [...files],
    [...unzip(bytes)].map(([path, file]) => [path, `${file}`])
  )
})

t.test('expands no faster than the limit', async (t) => {
  const archive = zip([{ path: 'zeros', content: '0'.repeat(1_000_000) }])
  const start = performance.now()
  await read(archive, 4096, { ...LIMITS, expansionPerSecond: 5_000_000 })
  const ms = performance.now() - start
  t.ok(ms > 180, `a megabyte in ${ms} ms`)
})

t.test('skips what its reader leaves', async (t) => {
  const paths = []
  for await (const { path, content } of readArchive(inPieces(zip([note, note, note]), 10), LIMITS)) {
    if (paths.length === 1) for await (const piece of content) if (piece) break
    paths.push(path)
  }
  t.strictSame(paths, ['a/note.txt', 'a/note.txt', 'a/note.txt'])
})

const archive = zip([note])
const directoryAt = archive.indexOf('PK\u0001\u0002')
const bomb = Buffer.alloc(6_000_000)

const hostile: Record<string, [archive: Buffer, detail: RegExp, limits?: typeof LIMITS]> = {
  'no ZIP': [Buffer.from('%PDF-1.7 '.repeat(20)), /not a ZIP/],
  nothing: [Buffer.alloc(0), /incomplete/],
  'cut within a file': [archive.subarray(0, 50), /incomplete/],
  'cut behind a file': [archive.subarray(0, directoryAt), /incomplete/],
  'cut within the directory': [archive.subarray(0, directoryAt + 20), /incomplete/],
  'cut within the end': [archive.subarray(0, -1), /incomplete/],
  'bytes behind the end': [Buffer.concat([archive, Buffer.from('x')]), /directory/],
  'bytes in front': [Buffer.concat([Buffer.from('x'), archive]), /not a ZIP/],
  'a directory without a file': [zip([note, { ...note, listed: null }]), /directory/],
  'a directory with one more file': [
    Buffer.concat([archive.subarray(0, directoryAt), zip([note, note]).subarray(2 * directoryAt)]),
    /directory/
  ],
  'a directory with another path': [zip([{ ...note, listed: { path: 'a/else.txt' } }]), /directory/],
  'a directory with another size': [zip([{ ...note, listed: { bytes: 1 } }]), /directory/],
  'no directory, but the end': [
    Buffer.concat([archive.subarray(0, directoryAt), archive.subarray(archive.indexOf('PK\u0005\u0006'))]),
    /directory/
  ],
  'an encrypted file': [zip([{ ...note, flags: 0x809 }]), /a\/note.txt is encrypted/],
  'a file with strong encryption': [zip([{ ...note, flags: 0x849 }]), /encrypted/],
  'an encrypted directory': [zip([{ ...note, flags: 0x2808 }]), /encrypted/],
  'compression by Zstandard': [zip([{ ...note, method: 93 }]), /compression of the file a\/note.txt/],
  'data that is not deflated': [
    zip([{ ...note, isStored: true, method: 8 }]),
    /damaged at the file a\/note.txt/
  ],
  'a stored file that tells no size': [zip([{ ...note, isStored: true }]), /without its size/],
  'another CRC behind the file': [zip([{ ...note, crc: 1 }]), /damaged/],
  'another CRC in front': [zip([{ ...note, crc: 1, sums: 'header' }]), /damaged/],
  'another size behind the file': [zip([{ ...note, bytes: 1 }]), /damaged/],
  'another compressed size behind the file': [zip([{ ...note, storedBytes: 1 }]), /damaged/],
  'a smaller size in front': [zip([{ ...note, bytes: 10, sums: 'header' }]), /damaged/],
  'a larger size in front': [zip([{ ...note, bytes: 10_000, sums: 'header' }]), /damaged/],
  'another compressed size in front': [zip([{ ...note, storedBytes: 1, sums: 'header' }]), /damaged/],
  'a larger size of a stored file': [
    zip([{ ...note, isStored: true, sums: 'header', bytes: 1_000_000, storedBytes: 1_000_000 }]),
    /incomplete/
  ],
  'a path that leaves the archive': [zip([{ ...note, path: 'a/../../b' }]), /invalid path/],
  'an absolute path': [zip([{ ...note, path: '/etc/passwd' }]), /invalid path/],
  'a path of Windows': [zip([{ ...note, path: 'C:\\b' }]), /invalid path/],
  'a path with a drive': [zip([{ ...note, path: 'c:b' }]), /invalid path/],
  'a path with NUL': [zip([{ ...note, path: 'a\0b' }]), /invalid path/],
  'a path with a line break': [zip([{ ...note, path: 'a\nb' }]), /invalid path/],
  'a path with DEL': [zip([{ ...note, path: 'a\x7fb' }]), /invalid path/],
  'a path that is not the UTF-8 that it says': [
    zip([{ ...note, path: Buffer.from([0xff, 0xfe]) }]),
    /invalid path/
  ],
  'an empty path': [zip([{ ...note, path: '' }]), /invalid path/],
  'a long path': [zip([{ ...note, path: 'a'.repeat(2000) }]), /invalid path/],
  'too many files': [zip(Array.from({ length: 11 }, () => note)), /more than 10 files/],
  'too many bytes': [
    zip([{ path: 'large', content: bomb, isStored: true, sums: 'header' }]),
    /more than 500000 bytes/,
    { ...LIMITS, bytes: 500_000 } // in pieces of 13 bytes, these take a second
  ],
  'a file that becomes a thousand times as large': [
    zip([{ path: 'bomb', content: bomb }]),
    /more than 4000000 bytes larger/
  ],
  'many such files': [
    zip(Array.from({ length: 9 }, () => ({ path: 'bomb', content: bomb.subarray(0, 600_000) }))),
    /more than 4000000 bytes larger/
  ]
}

for (const [name, [archive, detail, limits = LIMITS]] of Object.entries(hostile)) {
  t.test(`refuses ${name}`, async (t) => {
    for (const size of [13, 64 * 1024]) {
      await t.rejects(
        read(archive, size, limits),
        { code: 'invalid_archive', message: detail },
        `pieces of ${size}`
      )
    }
    const skipAll = async () => {
      for await (const { path } of readArchive(inPieces(archive, 1000), limits)) t.type(path, 'string')
    }
    await t.rejects(skipAll(), { message: detail }, 'also when no file is read')
  })
}

t.test('an error of the body is its error, and the body is closed', async (t) => {
  let isClosed = false
  async function* body() {
    try {
      yield archive.subarray(0, 60)
      throw new Error('stalled')
    } finally {
      isClosed = true
    }
  }
  await t.rejects(async () => {
    for await (const { content } of readArchive(body(), LIMITS)) await buffer(content)
  }, /stalled/)
  t.ok(isClosed)
})
