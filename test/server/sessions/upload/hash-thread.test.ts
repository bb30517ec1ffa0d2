import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import workerThreads, { type Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { createHashThread } from '../../../../src/server/sessions/upload/hash-thread.ts'

const MEBIBYTE = 1024 ** 2
const PIECE_BYTES = 700_000

const BUSY = { code: 'server_busy', statusCode: 503 }

const directory = t.testdir()

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function start(t: Test) {
  const thread = createHashThread()
  t.teardown(() => thread.close())
  return thread
}

async function openFile(t: Test, name = 'recording'): Promise<FileHandle> {
  const file = await open(join(directory, name), 'w+')
  t.teardown(() => file.close())
  return file
}

t.test('of what is in memory', async (t) => {
  const thread = start(t)
  for (const bytes of [Buffer.alloc(0), randomBytes(1000)]) {
    const hash = thread.createHash()
    hash.useMemory(bytes)
    t.equal(await hash.digest(), sha256(bytes))
    await hash.settled()
  }
})

t.test('of files as they grow, several at a time', async (t) => {
  const thread = start(t)
  const recordings = [1, 2 * MEBIBYTE, 2 * MEBIBYTE + 1, 9 * MEBIBYTE + 7].map((length) =>
    randomBytes(length)
  )
  const growing = await Promise.all(
    recordings.map(async (bytes) => ({
      bytes,
      file: await openFile(t, `${bytes.length}`),
      hash: thread.createHash()
    }))
  )
  for (let at = 0; at < 10 * MEBIBYTE; at += PIECE_BYTES) {
    for (const { bytes, file, hash } of growing) {
      await file.write(bytes.subarray(at, at + PIECE_BYTES))
      hash.useFile(file.fd, Math.min(at + PIECE_BYTES, bytes.length))
    }
  }
  t.strictSame(await Promise.all(growing.map(({ hash }) => hash.digest())), recordings.map(sha256))
  t.equal(await growing[0]?.hash.digest(), sha256(recordings[0] as Buffer), 'and again')
})

t.test('of a file that is written from its start again', async (t) => {
  const thread = start(t)
  for (const [index, length] of [0, 3, 5 * MEBIBYTE].entries()) {
    const file = await openFile(t, `${index}`)
    const hash = thread.createHash()
    await file.write(randomBytes(5 * MEBIBYTE), 0, 5 * MEBIBYTE, 0)
    hash.useFile(file.fd, 3 * MEBIBYTE)
    hash.useFile(file.fd, 5 * MEBIBYTE)
    hash.restart()
    const bytes = randomBytes(length)
    await file.write(bytes, 0, length, 0)
    hash.useFile(file.fd, length)
    t.equal(await hash.digest(), sha256(bytes), `${length} bytes`)
  }
})

t.test('of a file that cannot be read there is none, which no other hash notices', async (t) => {
  const thread = start(t)
  const file = await openFile(t)
  await file.write(Buffer.from('recording'))
  const [unreadable, short, good] = [thread.createHash(), thread.createHash(), thread.createHash()]
  unreadable.useFile(-1, 3 * MEBIBYTE)
  unreadable.useFile(-1, 6 * MEBIBYTE)
  short.useFile(file.fd, 10)
  good.useFile(file.fd, 9)
  await t.rejects(unreadable.digest(), BUSY)
  await t.rejects(short.digest(), {
    ...BUSY,
    cause: { message: 'The file is shorter than what was written' }
  })
  await short.settled()
  t.equal(await good.digest(), sha256(Buffer.from('recording')))
})

t.test('where the thread dies its hashes fail, and the next one has another', async (t) => {
  const thread = start(t)
  const bytes = randomBytes(5 * MEBIBYTE)
  const file = await openFile(t)
  await file.write(bytes)
  const started = once(process, 'worker') as Promise<Worker[]>
  thread.start()
  const [worker] = await started
  const [asked, begun] = [thread.createHash(), thread.createHash()]
  for (const hash of [asked, begun]) hash.useFile(file.fd, bytes.length)
  const died = worker?.terminate()
  await t.rejects(asked.digest(), BUSY)
  await died
  await t.rejects(begun.digest(), { ...BUSY, cause: { message: 'The thread that hashes has ended' } })
  await Promise.all([asked.settled(), begun.settled()])

  const next = thread.createHash()
  next.useFile(file.fd, bytes.length)
  t.equal(await next.digest(), sha256(bytes))
})

t.test('a hash that nobody wants any more is settled when its file is not read', async (t) => {
  const thread = start(t)
  const file = await openFile(t)
  await file.write(randomBytes(9 * MEBIBYTE))
  const hash = thread.createHash()
  await hash.settled()
  hash.useFile(file.fd, 9 * MEBIBYTE)
  const next = thread.createHash()
  next.useFile(file.fd, 4)
  const order: string[] = []
  await Promise.all([
    next.digest().then(() => order.push('next')),
    hash.settled().then(() => order.push('hash'))
  ])
  t.strictSame(order, ['next', 'hash'], 'in the order of the last calls')
})

t.test('once it is closed no thread is started any more', async (t) => {
  const thread = createHashThread()
  const file = await openFile(t)
  await thread.close()
  const hash = thread.createHash()
  t.throws(() => thread.start(), BUSY)
  t.throws(() => hash.useFile(file.fd, 3 * MEBIBYTE), BUSY)
  await hash.settled()
  await thread.close()
})

t.test('where no thread can be started the server is busy, and not for longer than that', async (t) => {
  const thread = start(t)
  const file = await openFile(t)
  await file.write('recording')
  const hash = thread.createHash()
  const { restore } = t.intercept(workerThreads, 'Worker', {
    value: class {
      constructor() {
        throw new Error('No more threads')
      }
    }
  })
  syncBuiltinESMExports()
  t.throws(() => hash.useFile(file.fd, 9), { ...BUSY, cause: { message: 'No more threads' } })
  restore()
  syncBuiltinESMExports()
  hash.useFile(file.fd, 9)
  t.equal(await hash.digest(), sha256(Buffer.from('recording')))
})
