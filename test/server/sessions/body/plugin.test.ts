import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { Problem, ProblemCode } from '../../../../src/contract/problem.ts'
import { ApiError } from '../../../../src/server/errors.ts'
import { memoryBudgetBytes } from '../../../../src/server/http/limits/memory-budget.ts'
import { build, startServices } from '../../../helpers/app.ts'
import { startFaultyProxy } from '../../../helpers/faulty-proxy.ts'
import { fixture } from '../../../helpers/recordings.ts'
import { needsServerWithin } from '../../../helpers/server-command.ts'
import { expectSound } from '../../../helpers/session-state.ts'
import {
  openSpoolFiles,
  skipWithoutProc,
  spoolFileNames,
  useOwnTemporaryDirectory
} from '../../../helpers/spool-files.ts'
import { until } from '../../../helpers/until.ts'

const LONG_MS = '60000'

const directory = useOwnTemporaryDirectory(t)
const services = await startServices(t)

/** Larger than what is kept in memory, and than what may pass without waiting for a place. */
const recording = Buffer.concat([await fixture('recording.webm'), randomBytes(4 * 1024 ** 2)])
const audioBase64 = recording.toString('base64')
const json = (fields: Record<string, unknown> = {}) =>
  JSON.stringify({ songName: 'Ode to Joy', instrument: 'Piano', duration: 60, ...fields })
const body = json({ audioBase64 })

/** A server that listens, with a place for one large body unless told otherwise. */
async function start(t: Test, env: NodeJS.ProcessEnv = {}) {
  const server = await build(t, {
    services,
    env: { UPLOAD_CONCURRENCY: '1', UPLOAD_WAIT_MS: LONG_MS, UPLOAD_TIMEOUT_MS: LONG_MS, ...env }
  })
  await server.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = server.app.server.address() as AddressInfo
  const clara = server.as(`auth0|${randomUUID()}`)
  await clara.sync()

  /** Begins a save, of Clara's unless told otherwise; the test sends the body. */
  const begin = (more: Record<string, string | number>, { sub } = clara) => {
    const headers = {
      authorization: `Bearer ${server.issuer.token(sub)}`,
      'content-type': 'application/json',
      ...more
    }
    const saving = request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/api/sessions',
      headers,
      agent: false
    })
    const answer = once(saving, 'response').then(async ([response]: IncomingMessage[]) => ({
      status: response?.statusCode,
      headers: response?.headers,
      body: JSON.parse(await text(response as IncomingMessage))
    }))
    answer.catch(() => {})
    saving.on('error', () => {})
    return { saving, answer }
  }
  /** Begins a save, and sends so much of its body. */
  const beginWith = async (whole: string, length: number) => {
    const begun = begin({ 'content-length': Buffer.byteLength(whole) })
    const arrived = once(server.app.server, 'request')
    begun.saving.flushHeaders()
    await arrived
    if (length > 0) await new Promise((resolve) => begun.saving.write(whole.slice(0, length), resolve))
    return begun
  }
  const save = (whole = body, caller = clara) => {
    const { saving, answer } = begin({ 'content-length': Buffer.byteLength(whole) }, caller)
    saving.end(whole)
    return answer
  }
  return { ...server, clara, begin, beginWith, save }
}

type Answer = { status: number | undefined; headers: IncomingMessage['headers'] | undefined; body: Problem }

function isRefused(t: Test, { status, headers, body }: Answer, expected: number, code: ProblemCode) {
  t.equal(status, expected)
  t.match(body, { code, detail: /\w+ \w+/ })
  if (expected === 503) t.match(headers?.['retry-after'], /^\d+$/)
}

const isClean = async () => (await openSpoolFiles()) === 0 && (await spoolFileNames()).length === 0

async function plays(t: Test, audioUrl: string) {
  t.ok(Buffer.from(await (await fetch(audioUrl)).arrayBuffer()).equals(recording))
}

t.test('spool file names left by a killed process are deleted at the start', async (t) => {
  await writeFile(join(directory, 'harmony-upload-0d2c8f0e'), 'left behind')
  await start(t)
  t.strictSame(await spoolFileNames(), [])
})

t.test(
  'a large recording is stored byte for byte, with or without a content length, with or without escape sequences',
  async (t) => {
    const { save, begin } = await start(t)
    await plays(t, (await save()).body.audioUrl)
    const { saving, answer } = begin({ 'transfer-encoding': 'chunked' })
    saving.end(
      `${json().slice(0, -1)},"xmlContent":"x","\\u0061udioBase64":"data:audio/webm;codecs=opus;base64,${audioBase64.replaceAll('/', '\\/')}"}`
    )
    const { status, body: session } = await answer
    t.equal(status, 201)
    t.equal(session.xmlContent, 'x')
    await plays(t, session.audioUrl)
  }
)

t.test(
  'a client that disconnects leaves nothing behind, and its place is free',
  { skip: skipWithoutProc },
  async (t) => {
    const { save, beginWith, clara } = await start(t)
    for (const sent of [0, 10, 100, body.length >> 2, body.length - 1]) {
      const { saving } = await beginWith(body, sent)
      if (sent > 1e5) await until(async () => (await openSpoolFiles()) === 1)
      saving.destroy()
      await until(isClean)
    }
    t.same((await clara.list()).json(), [])
    t.equal((await save()).status, 201)
    const { leases } = await expectSound(t, services)
    t.same(leases, [])
  }
)

t.test(
  'a client that disconnects while its recording is being stored still gets a complete session',
  { skip: skipWithoutProc },
  async (t) => {
    const proxy = await startFaultyProxy(t, services.storage.url)
    const { save, beginWith, clara } = await start(t, { SUPABASE_URL: proxy.url })
    const hung = proxy.breakOn('POST /storage/v1/object/', 'hang')
    const { saving } = await beginWith(body, body.length)
    await hung
    saving.destroy()
    t.equal(await openSpoolFiles(), 1)
    await proxy.resume()
    await until(isClean)
    const [session] = (await clara.list()).json<Array<{ audio_url: string }>>()
    await plays(t, session?.audio_url ?? '')
    t.equal((await save()).status, 201)
  }
)

t.test(
  'a recording that the storage does not accept is 503, and its spool file is deleted',
  { skip: skipWithoutProc },
  async (t) => {
    const proxy = await startFaultyProxy(t, services.storage.url)
    const { save } = await start(t, { SUPABASE_URL: proxy.url, STORAGE_TIMEOUT_MS: '300' })
    const hung = proxy.breakOn('POST /storage/v1/object/', 'hang')
    isRefused(t, await save(), 503, 'storage_unavailable')
    await hung
    t.ok(await isClean())
  }
)

t.test(
  'without room for spool files the answer is 503, and a client that is still sending receives it',
  { skip: needsServerWithin },
  async (t) => {
    const { save } = await start(t)
    process.env['TMPDIR'] = join(directory, 'missing')
    const answer = await save()
    process.env['TMPDIR'] = directory
    isRefused(t, answer, 503, 'server_busy')
    t.notMatch(answer.body.detail, /ENOENT|missing/)
    t.equal((await save()).status, 201)
  }
)

t.test('a client that stalls is refused, and its place is free; a slow client is not refused', async (t) => {
  const { beginWith, save } = await start(t, { UPLOAD_TIMEOUT_MS: '1000' })
  const stalled = await beginWith(body, 1000)
  const next = save()
  isRefused(t, await stalled.answer, 408, 'upload_stalled')
  t.equal((await next).status, 201)
  const slow = await beginWith(body, 1000)
  for (let at = 1000; at < body.length; at += body.length >> 2) {
    await new Promise((resolve) => setTimeout(resolve, 300))
    slow.saving.write(body.slice(at, at + (body.length >> 2)))
  }
  slow.saving.end()
  t.equal((await slow.answer).status, 201)
})

t.test('a body must reach the minimum rate, also a small one', { skip: needsServerWithin }, async (t) => {
  const { beginWith } = await start(t)
  const small = json({ audioBase64: (await fixture('recording.webm')).toString('base64') })
  for (const whole of [small, body]) {
    const { saving, answer } = await beginWith(whole, 1000)
    const now = performance.now.bind(performance)
    await new Promise((resolve) => setTimeout(resolve, 100)) // until the beginning was taken
    const later = t.intercept(performance, 'now', { value: () => now() + 10 * 60_000 })
    saving.write(whole.slice(1000, 2000))
    t.equal((await answer).status, 408)
    later.restore()
    saving.destroy()
  }
})

t.test(
  'a slow body must be faster while others wait for its place',
  { skip: needsServerWithin },
  async (t) => {
    const { beginWith, save } = await start(t)
    const slow = await beginWith(body, 1000)
    const now = performance.now.bind(performance)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const later = t.intercept(performance, 'now', { value: () => now() + 21_000 })
    slow.saving.write(body.slice(1000, 200_000)) // more than 4 kB, and less than 16 kB a second
    await new Promise((resolve) => setTimeout(resolve, 100))
    later.restore()
    const waiting = save()
    await new Promise((resolve) => setTimeout(resolve, 100))
    slow.saving.write(body.slice(200_000, 201_000))
    isRefused(t, await slow.answer, 408, 'upload_stalled')
    t.equal((await waiting).status, 201)
  }
)

t.test('a slow body must be faster while others wait for memory', { skip: needsServerWithin }, async (t) => {
  const { app, as, beginWith, save } = await start(t, { UPLOAD_CONCURRENCY: '8' })
  const other = as(`auth0|${randomUUID()}`)
  await other.sync()
  const slow = await beginWith(body, 1000)
  const now = performance.now.bind(performance)
  const { bodies } = app.memoryBudget
  await until(() => bodies.usage().held > 0)
  const release = bodies.borrow('third', bodies.usage().places - bodies.usage().held)
  const waiting = save(body, other)
  await until(() => bodies.usage().waiting === 1)
  const later = t.intercept(performance, 'now', { value: () => now() + 21_000 })
  slow.saving.write(body.slice(1000, 200_000)) // more than 4 kB, and less than 16 kB a second
  isRefused(t, await slow.answer, 408, 'upload_stalled')
  later.restore()
  t.equal((await waiting).status, 201)
  release()
})

t.test(
  'a body of unknown size takes a place, and no memory before',
  { skip: needsServerWithin },
  async (t) => {
    const { app, begin, beginWith } = await start(t)
    const taken: string[] = []
    for (const [name, limiter] of Object.entries({
      place: app.bodyLimiters.bodies,
      memory: app.memoryBudget.bodies
    })) {
      const { acquire } = limiter
      t.intercept(limiter, 'acquire', {
        value: async (...args: Parameters<typeof acquire>) => {
          const release = await acquire(...args)
          taken.push(name)
          return release
        }
      })
    }
    const first = await beginWith(body, 1000)
    const chunked = begin({ 'transfer-encoding': 'chunked' })
    chunked.saving.end(json())
    await new Promise((resolve) => setTimeout(resolve, 300))
    t.strictSame(taken, ['place', 'memory'])
    first.saving.end(body.slice(1000))
    t.equal((await first.answer).status, 201)
    t.equal((await chunked.answer).status, 201)
    t.strictSame(taken, ['place', 'memory', 'place', 'memory'])
  }
)

t.test('a large text waits for its turn until the deadline', { skip: needsServerWithin }, async (t) => {
  const { app, save } = await start(t)
  const { largeTexts } = app.bodyLimiters
  const calls = t.capture(largeTexts, 'acquire', largeTexts.acquire)
  t.equal((await save(json({ xmlContent: 'x'.repeat(2_000_000) }))).status, 201)
  t.type(calls()[0]?.args[1], AbortSignal)
})

t.test(
  'a large text gives its turn back once parsed, unless memory is short',
  { skip: needsServerWithin },
  async (t) => {
    const { app, clara, save } = await start(t)
    const { largeTexts } = app.bodyLimiters
    const { upload } = app.sessions.storage
    const heldWhileSaving: number[] = []
    t.intercept(app.sessions.storage, 'upload', {
      value: (...args: Parameters<typeof upload>) => {
        heldWhileSaving.push(largeTexts.usage().held)
        return upload(...args)
      }
    })
    const audioBase64 = (await fixture('recording.webm')).toString('base64')
    const large = () => json({ audioBase64, xmlContent: 'x'.repeat(2_000_000) })
    t.equal((await save(large())).status, 201)
    // Leaves a little less of her share than the text needs, which is four times its size.
    const taken = app.memoryBudget.bodies.borrow(clara.sub, memoryBudgetBytes() / 4 - 7_000_000)
    t.equal((await save(large())).status, 201)
    taken()
    t.strictSame(heldWhileSaving, [0, 1])
    t.equal(largeTexts.usage().held, 0)
    await until(() => app.memoryBudget.bodies.usage().held === 0)
  }
)

t.test(
  'a large text takes no memory if its request is answered while it is parsed',
  { skip: needsServerWithin },
  async (t) => {
    const { app, save } = await start(t)
    const { parseJson } = app
    t.intercept(app, 'parseJson', {
      value: async (...args: Parameters<typeof parseJson>) => {
        const [request] = args
        request.deadlineController?.abort(new ApiError('server_busy', 'It is too late.'))
        return parseJson(...args)
      }
    })
    const taken = t.capture(app.memoryBudget.bodies, 'tryAcquire', app.memoryBudget.bodies.tryAcquire)
    isRefused(t, await save(json({ xmlContent: 'x'.repeat(2_000_000) })), 503, 'server_busy')
    t.strictSame(taken(), [])
    await until(() => app.memoryBudget.bodies.usage().held === 0)
  }
)

t.test(
  'a user saves 1 MB of texts at a time; small ones do not wait',
  { skip: needsServerWithin },
  async (t) => {
    const { app, as, clara, save } = await start(t)
    const other = as(`auth0|${randomUUID()}`)
    await other.sync()
    const release = await app.bodyLimiters.textBytes.acquire(clara.sub, undefined, 900_000)
    const score = json({ xmlContent: 'x'.repeat(200_000) })
    t.equal((await save(json({ xmlContent: 'x'.repeat(15_000) }))).status, 201)
    t.equal((await save(score, other)).status, 201, "another user's")
    const answered = save(score).then(({ status }) => `answered ${status}`)
    const waited = new Promise((resolve) => setTimeout(resolve, 300, 'waiting'))
    t.equal(await Promise.race([answered, waited]), 'waiting')
    release()
    t.equal(await answered, 'answered 201')
    await until(() => app.bodyLimiters.textBytes.usage().held === 0)
  }
)

t.test('a body is read once there is memory for it', { skip: needsServerWithin }, async (t) => {
  const { app, beginWith, save } = await start(t)
  const release = app.memoryBudget.bodies.borrow('other', 2 ** 40)
  const small = json()
  t.equal((await save(small)).status, 201, 'a tiny one needs none')
  const { saving, answer } = await beginWith(body, 1000)
  saving.end(body.slice(1000))
  const answered = answer.then(({ status }) => `answered ${status}`)
  const waited = new Promise((resolve) => setTimeout(resolve, 300, 'waiting'))
  t.equal(await Promise.race([answered, waited]), 'waiting')
  release()
  t.equal(await answered, 'answered 201')
})

t.test('a refused body that goes on trickling holds neither a place nor memory', async (t) => {
  const { app, begin } = await start(t)
  const { saving } = begin({ 'content-type': 'text/plain', 'content-length': 5_000_000, connection: 'close' })
  const taken = t.capture(app.memoryBudget.bodies, 'acquire', app.memoryBudget.bodies.acquire)
  saving.write('x')
  await until(() => taken().length === 1)
  const trickle = setInterval(() => saving.write('x'), 100)
  await until(() => app.bodyLimiters.bodies.usage().held === 0)
  t.equal(app.memoryBudget.bodies.usage().held, 0)
  clearInterval(trickle)
  saving.destroy()
})

t.test('waiting too long for a place is 503, and a client that disconnects leaves the queue', async (t) => {
  const { beginWith, save } = await start(t, { UPLOAD_WAIT_MS: '300' })
  const first = await beginWith(body, 1000)
  const left = await beginWith(body, 10)
  left.saving.destroy()
  isRefused(t, await save(), 503, 'server_busy')
  first.saving.end(body.slice(1000))
  t.equal((await first.answer).status, 201)
  t.equal((await save()).status, 201)
})

t.test('the token is checked before a body takes a place', async (t) => {
  const { beginWith, app } = await start(t)
  const first = await beginWith(body, 1000)
  const { port } = app.server.address() as AddressInfo
  const stranger = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/api/sessions',
    headers: { 'content-type': 'application/json', 'content-length': body.length },
    agent: false
  })
  stranger.on('error', () => {})
  stranger.end(body) // discarded: whoever closes the connection reads the answer after the body
  const [response] = (await once(stranger, 'response')) as [IncomingMessage]
  t.equal(response.statusCode, 401)
  stranger.destroy()
  first.saving.end(body.slice(1000))
  t.equal((await first.answer).status, 201)
})
