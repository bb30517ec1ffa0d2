import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture, largeScore } from '../../helpers/recordings.ts'
import { isServerMemoryLimited } from '../../helpers/server-command.ts'

const MAX_SCORE = 10 * 1024 * 1024
const services = await startServices(t)
const audioBase64 = (await fixture('recording.webm')).toString('base64')

async function start(t: Test, env: NodeJS.ProcessEnv = {}) {
  const server = await build(t, { services, env })
  const newcomer = async () => {
    const who = server.as(`auth0|${randomUUID()}`)
    await who.sync()
    return who
  }
  return { ...server, newcomer }
}

const edit = (who: Caller, id: string, changes: object) => who.call('PATCH', `/api/sessions/${id}`, changes)

t.test('two scores of ten megabytes are edited, answered and read back', async (t) => {
  const { newcomer } = await start(t)
  const who = await newcomer()
  const id = randomUUID()
  const score = largeScore(MAX_SCORE)
  const wide = `${'練'.repeat(3_000_000)}"\\\n`
  const first = await who.save({ id, xmlContent: score, analysis: { summary: 'x', markedXml: wide } })
  t.equal(first.statusCode, 201)
  t.ok(isSession(first.json(), { xmlContent: score, markedXml: wide }))
  const edited = await edit(who, id, { xmlContent: wide, analysis: { markedXml: score } })
  t.equal(edited.statusCode, 200)
  t.ok(isSession(edited.json(), { xmlContent: wide, markedXml: score }))
  const renamed = await edit(who, id, { songName: 'y' })
  t.ok(isSession(renamed.json(), { xmlContent: wide, markedXml: score }))
  const read = await who.get(id)
  t.ok(read.body === renamed.body)
  t.equal(read.headers.etag, renamed.headers.etag)
  const again = await who.save({ id, xmlContent: score, analysis: { summary: 'x', markedXml: wide } })
  t.equal(again.statusCode, 200)
  t.ok(isSession(again.json(), { xmlContent: wide, markedXml: score }))
})

const isSession = (
  session: SessionData,
  { xmlContent, markedXml }: { xmlContent: string; markedXml: string }
) =>
  session.xmlContent === xmlContent &&
  session.analysis?.markedXml === markedXml &&
  session.analysis.summary === 'x'

t.test('a body of more than forty megabytes is too large', async (t) => {
  const { newcomer } = await start(t)
  const who = await newcomer()
  const id = randomUUID()
  await who.save({ id })
  const large = 'x'.repeat(40 * 1024 * 1024)
  isProblem(t, await edit(who, id, { unknown: large }), 'body_too_large')
  isProblem(t, await edit(who, id, { audioBase64: large }), 'body_too_large')
})

t.test('a large score that waits for the storage blocks no edit', async (t) => {
  const proxy = await startFaultyProxy(t, services.env['SUPABASE_URL'] ?? '')
  const { newcomer } = await start(t, { SUPABASE_URL: proxy.url, UPLOAD_WAIT_MS: '5000' })
  const [one, two] = [await newcomer(), await newcomer()]
  const id = randomUUID()
  await two.save({ id })
  const hung = proxy.breakOn('POST /storage/v1/object/', 'hang')
  const saving = one.save({ xmlContent: largeScore(2_000_000), audioBase64 })
  await hung
  for (const bytes of [500_000, 2_000_000]) {
    t.equal((await edit(two, id, { xmlContent: largeScore(bytes) })).statusCode, 200)
  }
  await proxy.resume()
  t.equal((await saving).statusCode, 201)
})

// Where memory is limited, more users show that their number does not count.
const USERS = isServerMemoryLimited ? 8 : 2

t.test(`two large scores of each of ${USERS} users are saved, edited and read at a time`, async (t) => {
  const { newcomer } = await start(t, { UPLOAD_WAIT_MS: '600000', DATABASE_TIMEOUT_MS: '60000' })
  const [plain, wide] = [largeScore(MAX_SCORE), '練'.repeat(3_000_000)]
  const sessions = await Promise.all(
    Array.from({ length: USERS }, async () => ({ who: await newcomer(), id: randomUUID() }))
  )
  type Work = (session: { who: Caller; id: string }) => Promise<Answer>
  const atATime = async (name: string, work: Work, isRight: (body: string) => boolean) => {
    const start = performance.now()
    const answers = await Promise.all(
      sessions.map((session) =>
        retryBusy(async () => {
          const { statusCode, headers, body } = await work(session)
          return { statusCode, headers, isRight: statusCode < 300 && isRight(body) }
        })
      )
    )
    const busy = answers.reduce((sum, { retries }) => sum + retries, 0)
    t.ok(
      answers.every((answer) => answer.isRight),
      name
    )
    t.comment(`${name}: ${Math.round(performance.now() - start)} ms, ${busy} answers were 503`)
  }
  const isEdited = (body: string) => isSession(JSON.parse(body), { xmlContent: wide, markedXml: plain })

  await atATime(
    'saved',
    ({ who, id }) => who.save({ id, xmlContent: plain, analysis: { summary: 'x', markedXml: wide } }),
    (body) => isSession(JSON.parse(body), { xmlContent: plain, markedXml: wide })
  )
  await atATime(
    'edited',
    ({ who, id }) => edit(who, id, { xmlContent: wide, analysis: { markedXml: plain } }),
    isEdited
  )
  await atATime('read', ({ who, id }) => who.get(id), isEdited)
  await atATime(
    'listed by the existing frontend',
    ({ who }) => who.call('GET', '/v0/api/sessions'),
    (body) => JSON.parse(body)[0].xml_content === wide
  )
})

type Answer = Pick<LightMyRequestResponse, 'statusCode' | 'headers' | 'body'>

/** Repeats a request while the server is busy, as `Retry-After` says. */
async function retryBusy<T extends Omit<Answer, 'body'>>(request: () => Promise<T>) {
  for (let retries = 0; ; retries++) {
    const answer = await request()
    if (answer.statusCode !== 503 || retries === 20) return { ...answer, retries }
    await sleep(Number(answer.headers['retry-after']) * 1000)
  }
}

t.test('a large session that is edited while it is read breaks off, and is never mixed', async (t) => {
  const { app, issuer, newcomer } = await start(t)
  const who = await newcomer()
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const id = randomUUID()
  await who.save({ id, analysis: { markedXml: 'a'.repeat(MAX_SCORE) } })
  const reading = request({
    port,
    host: '127.0.0.1',
    path: `/api/sessions/${id}`,
    headers: { authorization: `Bearer ${issuer.token(who.sub)}` },
    agent: false
  }).end()
  // The body is not read yet, so that the server has to wait.
  const [response] = (await once(reading, 'response')) as [IncomingMessage]
  t.equal((await edit(who, id, { analysis: { markedXml: 'Z'.repeat(MAX_SCORE) } })).statusCode, 200)
  let received = ''
  response.setEncoding('utf8').on('data', (text) => {
    received += text
  })
  await t.rejects(finished(response), 'the answer breaks off')
  t.match(received.slice(-100), /^a+$/)
})
