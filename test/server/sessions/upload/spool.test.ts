import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createStorageFetch } from '../../../../src/server/storage/fetch.ts'
import { BLOCK_BYTES, createBlocks } from '../../../../src/server/sessions/upload/blocks.ts'
import { createSpool, sweepSpoolFiles } from '../../../../src/server/sessions/upload/spool.ts'
import {
  openSpoolFiles,
  skipWithoutProc,
  spoolFileNames,
  useOwnTemporaryDirectory
} from '../../../helpers/spool-files.ts'

const blocks = createBlocks({ keep: 2 })
const directory = useOwnTemporaryDirectory(t)

async function spoolOf(bytes: Buffer, from = blocks) {
  const spool = createSpool({ blocks: from, memoryBytes: 100 })
  for (let at = 0; at < bytes.length; at += 7000) {
    spool.append(bytes.subarray(at, at + 7000))
    await spool.drain()
  }
  await spool.finish()
  return spool
}

t.test('little stays in memory, much goes to a file without a name', { skip: skipWithoutProc }, async (t) => {
  for (const [size, files] of [
    [0, 0],
    [99, 0],
    [100, 1],
    [300_000, 1]
  ] as const) {
    const spool = await spoolOf(randomBytes(size))
    t.equal(await openSpoolFiles(), files, `${size} bytes`)
    t.strictSame(await spoolFileNames(), [])
    await spool.close({ isSent: true })
    await spool.close({ isSent: true })
    t.equal(await openSpoolFiles(), 0)
  }
})

t.test('what went in comes out, from anywhere and as often as wanted', async (t) => {
  for (const size of [0, 99, 300_000]) {
    const bytes = randomBytes(size)
    const spool = await spoolOf(bytes)
    t.equal(spool.size, size)
    t.ok((await spool.read(size >> 2, size >> 1)).equals(bytes.subarray(size >> 2, size >> 1)))
    for (const time of ['first', 'second']) {
      t.ok((await buffer(spool.stream())).equals(bytes), `the ${time} time`)
    }
    await spool.close({ isSent: true })
  }
})

t.test(
  'what is sent arrives whole where it is read slowly, though its memory is used again and again',
  async (t) => {
    const bytes = randomBytes(24 * 1024 ** 2)
    const spool = await spoolOf(bytes)
    const server = createServer(async (request, response) => {
      const hash = createHash('sha256')
      for await (const chunk of request) {
        hash.update(chunk)
        await delay(chunk.length < 65_536 ? 5 : 0)
      }
      response.end(JSON.stringify({ sha256: hash.digest('hex') }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const storage = createStorageFetch(10_000)
    t.teardown(async () => {
      await storage.close()
      server.close()
      await spool.close({ isSent: true })
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const send = () =>
      storage.fetch(url, {
        method: 'POST',
        headers: { 'content-length': String(bytes.length) },
        body: spool.stream() as unknown as ReadableStream
      })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    for (const answer of await Promise.all([send(), send()])) t.same(await answer.json(), { sha256 })
  }
)

t.test('what was forgotten does not show in what comes after', async (t) => {
  const spool = await spoolOf(Buffer.alloc(300_000, 'old'))
  spool.clear()
  spool.append(Buffer.from('new'))
  await spool.finish()
  t.equal((await buffer(spool.stream())).toString(), 'new')
  await spool.close({ isSent: true })
})

t.test('its memory is used again, but not where somebody may still be sending from it', async (t) => {
  const blocks = createBlocks({ keep: 2 })
  const block = blocks.take()
  async function use({
    streams,
    isSent,
    size = 300_000
  }: {
    streams: number
    isSent: boolean
    size?: number
  }) {
    blocks.giveBack(block)
    const spool = await spoolOf(randomBytes(size), blocks)
    for (let stream = 0; stream < streams; stream++) await buffer(spool.stream())
    await spool.close({ isSent })
    await spool.close({ isSent })
    const taken = [blocks.take(), blocks.take()]
    return taken.filter((other) => other === block).length
  }
  t.equal(await use({ streams: 0, isSent: true }), 1)
  t.equal(await use({ streams: 1, isSent: true }), 1)
  t.equal(await use({ streams: 2, isSent: true }), 0, 'the first may be on its way, into nothing')
  t.equal(await use({ streams: 1, isSent: false }), 0)
  t.equal(await use({ streams: 1, isSent: true, size: 70 }), 1, 'little takes none')
})

t.test('no more blocks wait than there may', async (t) => {
  const blocks = createBlocks({ keep: 2 })
  const three = [blocks.take(), blocks.take(), blocks.take()]
  for (const block of three) blocks.giveBack(block)
  const again = [blocks.take(), blocks.take(), blocks.take()]
  t.equal(again.filter((block) => three.includes(block)).length, 2)
  t.ok(again.every(({ length }) => length === BLOCK_BYTES))
})

t.test('closing waits for what is being read, and later reads fail', async (t) => {
  const bytes = randomBytes(300_000)
  const spool = await spoolOf(bytes)
  const [first] = await Promise.all([spool.read(0, 300_000), spool.close({ isSent: true })])
  t.ok(first.equals(bytes))
  const again = await spoolOf(bytes)
  const stream = again.stream()
  await again.close({ isSent: true })
  await t.rejects(buffer(stream))
})

t.test('without room for the file the server is busy', async (t) => {
  process.env['TMPDIR'] = join(directory, 'missing')
  await t.rejects(spoolOf(randomBytes(200)), {
    code: 'server_busy',
    statusCode: 503,
    cause: { code: 'ENOENT' }
  })
  process.env['TMPDIR'] = directory
})

t.test('names that a killed process left are swept away, and no others', async (t) => {
  await writeFile(join(directory, 'harmony-upload-0d2c8f0e'), 'left behind')
  await writeFile(join(directory, 'harmony-other'), 'kept')
  await sweepSpoolFiles()
  t.strictSame(await readdir(directory), ['harmony-other'])
})
