import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { crc32 } from 'node:zlib'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { createArchive } from '../../../src/server/account/archive.ts'
import { directoryRecord, dataDescriptor, endOfDirectory } from '../../../src/server/account/zip-records.ts'
import { unzip } from '../../helpers/unzip.ts'

const date = new Date('2026-11-22T18:03:04Z')

async function* piecesOf(...pieces: string[]) {
  yield* pieces
}

t.test('files are compressed or not, empty or not, and have paths in UTF-8', async (t) => {
  const archive = createArchive()
  async function* write() {
    yield* archive.add({ path: 'Für Elise.xml', date }, piecesOf('<score>', 'é'.repeat(10_000), '</score>'))
    yield* archive.add({ path: 'as it is', date: new Date(0), isCompressible: false }, piecesOf('abc'))
    yield* archive.add({ path: 'empty', date: new Date('9999-12-31') }, piecesOf())
    yield* archive.end()
  }
  const bytes = await buffer(write())
  t.ok(bytes.length < 1000)
  const files = unzip(bytes)
  t.equal(`${files.get('Für Elise.xml')}`, `<score>${'é'.repeat(10_000)}</score>`)
  t.equal(`${files.get('as it is')}`, 'abc')
  t.equal(`${files.get('empty')}`, '')
  t.match(
    [...archive.files()],
    [
      { path: 'Für Elise.xml', bytes: 20_015 },
      { path: 'as it is', bytes: 3, sha256: /^ba7816bf[0-9a-f]{56}$/ },
      { path: 'empty', bytes: 0, sha256: /^e3b0c442/ }
    ]
  )
})

t.test('each file of an archive takes less than 600 bytes of memory', async (t) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const COUNT = 10_000
  const archive = createArchive()
  const bytes = Buffer.alloc(COUNT * 400)
  let length = 0
  const receive = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) length += chunk.copy(bytes, length)
  }
  const add = async (from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const path = `scores/2026-11-22_00000000-0000-4000-8000-${String(i).padStart(12, '0')}.musicxml`
      await receive(archive.add({ path, date, isCompressible: false }, piecesOf('x')))
    }
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const SPAN = COUNT / 5
  const perFile: number[] = []
  let before = await add(0, SPAN)
  for (let from = SPAN; from < COUNT; from += SPAN) {
    const after = await add(from, from + SPAN)
    perFile.push((after - before) / SPAN)
    before = after
  }
  // The least of four: other work of the process takes memory as well.
  t.ok(Math.min(...perFile) < 600, `${perFile.map(Math.round)} bytes`)
  await receive(archive.end())
  t.equal(unzip(bytes.subarray(0, length)).size, COUNT)
})

t.test('counts from 65,535 and sizes and offsets from 4 GiB on are in the records of ZIP64', (t) => {
  const GB5 = 5 * 1024 ** 3
  const entry = { path: 'a', date, crc: crc32('x'), bytes: 1, storedBytes: 1, offset: 0 }
  t.equal(directoryRecord(entry).length, 46 + 1)
  const record = directoryRecord({ ...entry, offset: GB5 })
  t.equal(record.length, 46 + 1 + 28)
  t.equal(record.readUInt32LE(42), 0xffffffff)
  t.equal(record.readBigUInt64LE(record.length - 8), BigInt(GB5))
  t.equal(dataDescriptor(entry).length, 16)
  t.equal(dataDescriptor({ ...entry, bytes: GB5 }).readBigUInt64LE(16), BigInt(GB5))
  t.equal(endOfDirectory({ count: 1, bytes: 47, offset: 100 }).length, 22)
  t.equal(endOfDirectory({ count: 70_000, bytes: 47, offset: 100 }).readBigUInt64LE(32), 70_000n)
  const end = endOfDirectory({ count: 1, bytes: 47, offset: GB5 })
  t.equal(end.readBigUInt64LE(48), BigInt(GB5))
  t.equal(end.readBigUInt64LE(56 + 8), BigInt(GB5 + 47))
  t.end()
})

t.test('a failure of a file is the failure of the archive', async (t) => {
  for (const isCompressible of [true, false]) {
    const archive = createArchive()
    async function* broken() {
      yield 'a'
      throw new Error('broken')
    }
    await t.rejects(buffer(archive.add({ path: 'a', date, isCompressible }, broken())), { message: 'broken' })
    t.strictSame([...archive.files()], [])
  }
})
