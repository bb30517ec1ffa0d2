import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createStorageFetch } from '../../../../src/server/storage/fetch.ts'
import { deleteAbandonedSpoolFiles } from '../../../../src/server/http/bodies/spool-file.ts'
import { createSpool } from '../../../../src/server/http/bodies/spool.ts'
import {
  openSpoolFiles,
  skipWithoutProc,
  spoolFileNames,
  useOwnTemporaryDirectory
} from '../../../helpers/spool-files.ts'

const directory = useOwnTemporaryDirectory(t)

/** Copies the chunks of a stream, which share one buffer. */
async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

async function spoolOf(bytes: Buffer) {
  const spool = createSpool({ memoryBytes: 100 })
  for (let at = 0; at < bytes.length; at += 7000) await spool.write(bytes.subarray(at, at + 7000))
  await spool.finish()
  return spool
}

t.test(
  'a few bytes stay in memory, and many go to a file without a name',
  { skip: skipWithoutProc },
  async (t) => {
    for (const [size, files] of [
      [0, 0],
      [99, 0],
      [100, 1],
      [300_000, 1]
    ] as const) {
      const spool = await spoolOf(randomBytes(size))
      t.equal(await openSpoolFiles(), files, `${size} bytes`)
      t.strictSame(await spoolFileNames(), [])
      await spool.close()
      await spool.close()
      t.equal(await openSpoolFiles(), 0)
    }
  }
)

t.test('written bytes can be read from any offset and streamed repeatedly', async (t) => {
  for (const size of [0, 99, 300_000]) {
    const bytes = randomBytes(size)
    const spool = await spoolOf(bytes)
    t.equal(spool.size, size)
    t.ok((await spool.read(size >> 2, size >> 1)).equals(bytes.subarray(size >> 2, size >> 1)))
    for (const time of ['first', 'second']) {
      t.ok((await collect(spool.stream())).equals(bytes), `the ${time} time`)
    }
    await spool.close()
  }
})

t.test(
  'two streams at once arrive unchanged at a slow reader, although each reuses its buffer',
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
      await spool.close()
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

t.test('close waits for pending reads, and later reads fail', async (t) => {
  const bytes = randomBytes(300_000)
  const spool = await spoolOf(bytes)
  const [first] = await Promise.all([spool.read(0, 300_000), spool.close()])
  t.ok(first.equals(bytes))
  const again = await spoolOf(bytes)
  const stream = again.stream()
  await again.close()
  await t.rejects(collect(stream))
})

t.test('a file that cannot be created is reported as server_busy', async (t) => {
  process.env['TMPDIR'] = join(directory, 'missing')
  await t.rejects(spoolOf(randomBytes(200)), {
    code: 'server_busy',
    statusCode: 503,
    cause: {
      code: 'spool_unwritable',
      message: `No temporary file can be written in ${directory}/missing (ENOENT): set TMPDIR to a directory on a disk with free space in which the server may write`,
      cause: { code: 'ENOENT' }
    }
  })
  process.env['TMPDIR'] = directory
})

t.test('names left by a killed process are deleted, and no others', async (t) => {
  await writeFile(join(directory, 'harmony-upload-0d2c8f0e'), 'left behind')
  await writeFile(join(directory, 'harmony-other'), 'kept')
  await deleteAbandonedSpoolFiles()
  t.strictSame(await readdir(directory), ['harmony-other'])
})
