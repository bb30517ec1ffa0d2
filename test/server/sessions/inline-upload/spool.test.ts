import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { createSpool, sweepSpoolFiles } from '../../../../src/server/sessions/inline-upload/spool.ts'
import { openSpoolFiles, skipWithoutProc, spoolFileNames, useOwnTemporaryDirectory } from '../../../helpers/spool-files.ts'

const directory = useOwnTemporaryDirectory(t)

async function spoolOf (bytes: Buffer) {
  const spool = createSpool({ memoryBytes: 100 })
  for (let at = 0; at < bytes.length; at += 7000) {
    spool.append(bytes.subarray(at, at + 7000))
    await spool.drain()
  }
  await spool.finish()
  return spool
}

t.test('little stays in memory, much goes to a file without a name', { skip: skipWithoutProc }, async (t) => {
  for (const [size, files] of [[0, 0], [99, 0], [100, 1], [300_000, 1]] as const) {
    const spool = await spoolOf(randomBytes(size))
    t.equal(await openSpoolFiles(), files, `${size} bytes`)
    t.strictSame(await spoolFileNames(), [])
    await spool.close()
    await spool.close()
    t.equal(await openSpoolFiles(), 0)
  }
})

t.test('what went in comes out, from anywhere and as often as wanted', async (t) => {
  for (const size of [0, 99, 300_000]) {
    const bytes = randomBytes(size)
    const spool = await spoolOf(bytes)
    t.equal(spool.size, size)
    t.ok((await spool.read(size >> 2, size >> 1)).equals(bytes.subarray(size >> 2, size >> 1)))
    for (const time of ['first', 'second']) t.ok((await buffer(spool.stream())).equals(bytes), `the ${time} time`)
    await spool.close()
  }
})

t.test('what was forgotten does not show in what comes after', async (t) => {
  const spool = await spoolOf(Buffer.alloc(300_000, 'old'))
  spool.clear()
  spool.append(Buffer.from('new'))
  await spool.finish()
  t.equal((await buffer(spool.stream())).toString(), 'new')
  await spool.close()
})

t.test('closing waits for what is being read, and later reads fail', async (t) => {
  const bytes = randomBytes(300_000)
  const spool = await spoolOf(bytes)
  const [first] = await Promise.all([spool.read(0, 300_000), spool.close()])
  t.ok(first.equals(bytes))
  const again = await spoolOf(bytes)
  const stream = again.stream()
  await again.close()
  await t.rejects(buffer(stream))
})

t.test('without room for the file the server is busy', async (t) => {
  process.env['TMPDIR'] = join(directory, 'missing')
  await t.rejects(spoolOf(randomBytes(200)), { code: 'server_busy', statusCode: 503, cause: { code: 'ENOENT' } })
  process.env['TMPDIR'] = directory
})

t.test('names that a killed process left are swept away, and no others', async (t) => {
  await writeFile(join(directory, 'harmony-upload-0d2c8f0e'), 'left behind')
  await writeFile(join(directory, 'harmony-other'), 'kept')
  await sweepSpoolFiles()
  t.strictSame(await readdir(directory), ['harmony-other'])
})
