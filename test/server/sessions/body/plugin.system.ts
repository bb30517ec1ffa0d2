import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { build, startServices } from '../../../helpers/app.ts'
import { startFaultyProxy } from '../../../helpers/faulty-proxy.ts'
import { fixture, largeScore } from '../../../helpers/recordings.ts'
import { query } from '../../../helpers/scratch-database.ts'
import { needsServerWithin } from '../../../helpers/server-command.ts'
import {
  openSpoolFiles,
  skipWithoutProc,
  spoolFileNames,
  useOwnTemporaryDirectory
} from '../../../helpers/spool-files.ts'

const LONG_MS = '60000'
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

const isClean = async () => (await openSpoolFiles()) === 0 && (await spoolFileNames()).length === 0

t.test('concurrent saves each store the digest of their own recording', async (t) => {
  const { save } = await start(t, { UPLOAD_CONCURRENCY: '20' })
  const recordings = await Promise.all(
    [700_000, 3_000_000, 5_000_000].map(async (bytes) =>
      Buffer.concat([await fixture('recording.webm'), randomBytes(bytes)])
    )
  )
  await Promise.all(
    recordings.map(async (bytes) => {
      const {
        body: { id }
      } = await save(json({ audioBase64: bytes.toString('base64') }))
      const [row] = await query(
        services.database.url,
        `SELECT recording_sha256 FROM sessions WHERE id = '${id}'`
      )
      t.strictSame(row, { recording_sha256: createHash('sha256').update(bytes).digest('hex') })
    })
  )
})

t.test(
  'the spool file is deleted before the answer, whatever the answer is',
  { skip: skipWithoutProc },
  async (t) => {
    useOwnTemporaryDirectory(t) // other servers create spool files at the same time
    const { save } = await start(t)
    const unknown = randomBytes(recording.length).toString('base64')
    const ends: Array<[string, number]> = [
      [body, 201],
      [body.slice(0, -1), 400],
      [json({ audioBase64, duration: -1 }), 400],
      [json({ audioBase64: `${audioBase64.slice(0, -20)}*${audioBase64.slice(-20)}` }), 400],
      [json({ audioBase64: unknown }), 415],
      [`${body.slice(0, -1)},"audioBase64":null}`, 201],
      [`${body.slice(0, -1)},"audioBase64":"${unknown}"}`, 415],
      [json({ audioBase64, unknown: 'x'.repeat(41 * 1024 ** 2) }), 413],
      [json({ xmlContent: largeScore(2_000_000) }), 201]
    ]
    for (const [whole, expected] of ends) {
      t.equal((await save(whole)).status, expected)
      t.ok(await isClean())
    }
  }
)

t.test(
  'a waiting body is not read, small bodies do not wait, and all are saved in the end',
  { skip: needsServerWithin },
  async (t) => {
    const { beginWith, begin, save, app, clara } = await start(t)
    const first = await beginWith(body, 1000)
    const large = json({ unknown: 'x'.repeat(30 * 1024 ** 2) })
    const connected = once(app.server, 'request')
    const second = begin({ 'content-length': large.length })
    second.saving.end(large)
    const [{ socket }] = (await connected) as [IncomingMessage]
    t.equal(
      (await clara.save({ audioBase64: (await fixture('recording.webm')).toString('base64') })).statusCode,
      201
    )
    t.equal((await save(json({ xmlContent: largeScore(500_000) }))).status, 201)
    t.ok(socket.bytesRead < 1024 ** 2, `${socket.bytesRead} bytes`)
    first.saving.end(body.slice(1000))
    t.equal((await first.answer).status, 201)
    t.equal((await second.answer).status, 201)
  }
)

t.test('several slow bodies of one user do not block other users', async (t) => {
  const { beginWith, save, as } = await start(t, { UPLOAD_CONCURRENCY: '2' })
  const robert = as(`auth0|${randomUUID()}`)
  await robert.sync()
  const slow = [await beginWith(body, 1000), await beginWith(body, 1000)]
  t.equal((await save(body, robert)).status, 201)
  for (const { saving, answer } of slow) {
    saving.end(body.slice(1000))
    t.equal((await answer).status, 201)
  }
})

t.test('a large score that arrives slowly, or is saved slowly, blocks no other', async (t) => {
  const proxy = await startFaultyProxy(t, services.storage.url)
  const { as, beginWith, save } = await start(t, {
    SUPABASE_URL: proxy.url,
    UPLOAD_CONCURRENCY: '9',
    UPLOAD_WAIT_MS: '300'
  })
  const [schumann, brahms] = [as(`auth0|${randomUUID()}`), as(`auth0|${randomUUID()}`)]
  await Promise.all([schumann.sync(), brahms.sync()])
  const score = json({ xmlContent: largeScore(2_000_000) })
  const slow = await beginWith(score, score.length - 10)
  t.equal((await save(score)).status, 201)
  const hung = proxy.breakOn('POST /storage/v1/object/', 'hang')
  const held = save(json({ xmlContent: largeScore(2_000_000), audioBase64 }), schumann)
  await hung
  t.equal((await save(score, brahms)).status, 201)
  await proxy.resume()
  t.equal((await held).status, 201)
  slow.saving.end(score.slice(score.length - 10))
  t.equal((await slow.answer).status, 201)
})
