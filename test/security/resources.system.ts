import { randomUUID } from 'node:crypto'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { Upload } from '../../src/contract/recordings.ts'
import { build, startServices, type Caller } from '../helpers/app.ts'
import { fixture, largeScore } from '../helpers/recordings.ts'
import { query } from '../helpers/scratch-database.ts'
import { needsServerWithin } from '../helpers/server-command.ts'
import { zip } from '../helpers/zip.ts'

const CONNECTIONS = 40
/** In which time the innocent gets three answers during an attack. */
const LIMIT_MS = 10_000
/** A client that stops within a refused body has 30 seconds to go on. */
const CLOSING_MS = 50_000
const LIMITS = {
  UPLOAD_TIMEOUT_MS: '500',
  ANSWER_TIMEOUT_MS: '500',
  UPLOAD_WAIT_MS: '500',
  UPLOAD_CONCURRENCY: '4',
  DATABASE_TIMEOUT_MS: '5000',
  AUTH0_TIMEOUT_MS: '1000'
}

const services = await startServices(t)

/** A server with low limits, an innocent user and an attacker with a session that holds a large score. */
async function start(t: Test, env: NodeJS.ProcessEnv = LIMITS) {
  const { app, as } = await build(t, { services, env })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const people = { innocent: as(`auth0|${randomUUID()}`), attacker: as(`auth0|${randomUUID()}`) }
  for (const person of Object.values(people)) t.equal((await person.sync()).statusCode, 201)
  const countConnections = promisify(app.server.getConnections.bind(app.server))
  return { app, as, port, ...people, countConnections }
}

type Started = Awaited<ReturnType<typeof start>>

function open(t: Test, port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}) // a connection that the server closes may be reset
  t.teardown(() => socket.destroy())
  return socket
}

/** Opens many connections, sends the same on each, and reads nothing unless `reads`. */
function attackWith(t: Test, { port }: Started, sent: string, { reads = false } = {}): Socket[] {
  return Array.from({ length: CONNECTIONS }, () => {
    const socket = open(t, port)
    if (reads) socket.resume()
    else socket.pause()
    socket.write(sent)
    return socket
  })
}

async function isServed(t: Test, innocent: Caller, attack: string) {
  const startedAt = performance.now()
  const answers = [await innocent.list(), await innocent.save(), await innocent.stats()]
  t.strictSame(
    answers.map(({ statusCode }) => statusCode),
    [200, 201, 200],
    `${attack}: an innocent user is served`
  )
  t.ok(performance.now() - startedAt < LIMIT_MS, attack)
}

async function areClosed(t: Test, { countConnections }: Started) {
  const until = performance.now() + CLOSING_MS
  while ((await countConnections()) > 0 && performance.now() < until) await sleep(50)
  t.equal(await countConnections(), 0, "the server has closed the attacker's connections")
}

const head = (attacker: Caller, line: string, headers = '') =>
  `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: ${attacker.headers().authorization}\r\n` +
  `Content-Type: application/json\r\n${headers}\r\n`

type Flood = [name: string, sent: (attacker: Caller, id: string) => string]

/** What an attacker sends on each of many connections, none of which reads its answer. */
const UNREAD: Flood[] = [
  ['large answers', (attacker, id) => head(attacker, `GET /api/sessions/${id}`).repeat(12)],
  ['the rows of the existing frontend', (attacker) => head(attacker, 'GET /v0/api/sessions').repeat(12)],
  ['exports of the account', (attacker) => head(attacker, 'GET /api/users/me/export').repeat(4)],
  ['answers to a list', (attacker) => head(attacker, 'GET /api/sessions').repeat(100)]
]

const post = (attacker: Caller, headers: string, path = '/api/sessions') =>
  head(attacker, `POST ${path}`, headers)

const STALLED: Flood[] = [
  ['large bodies', (attacker) => post(attacker, 'Content-Length: 2000000\r\n') + 'x'.repeat(100_000)],
  ['small bodies', (attacker) => post(attacker, 'Content-Length: 5000\r\n') + '{"songName":'],
  ['chunked bodies', (attacker) => `${post(attacker, 'Transfer-Encoding: chunked\r\n')}ffff\r\n{"song`],
  ['profiles', (attacker) => `${post(attacker, 'Content-Length: 900\r\n', '/api/users/sync')}{"auth0_id":`],
  ['changes', (attacker, id) => `${head(attacker, `PATCH /api/sessions/${id}`, 'Content-Length: 900\r\n')}{`],
  ['expected bodies', (attacker) => post(attacker, 'Content-Length: 2000000\r\nExpect: 100-continue\r\n')]
]

t.test('floods', { skip: needsServerWithin }, async (t) => {
  await t.test('answers that nobody reads keep nobody else from being served', async (t) => {
    const server = await start(t)
    const { id } = (await server.attacker.save({ xmlContent: largeScore(2_000_000) })).json<{ id: string }>()
    for (const [name, sent] of UNREAD) {
      const sockets = attackWith(t, server, sent(server.attacker, id))
      await isServed(t, server.innocent, name)
      for (const socket of sockets) socket.destroy()
    }
    await areClosed(t, server)
  })

  await t.test(
    'bodies that stop keep nobody else from being served, and lose their connections',
    async (t) => {
      const server = await start(t)
      const { id } = (await server.attacker.save()).json<{ id: string }>()
      for (const [name, sent] of STALLED) {
        attackWith(t, server, sent(server.attacker, id))
        await isServed(t, server.innocent, name)
      }
      await areClosed(t, server)
      t.equal((await server.attacker.list()).json<unknown[]>().length, 1, 'nothing is stored')
      await isServed(t, server.innocent, 'afterwards')
    }
  )

  await t.test('bodies that trickle, and silent connections, do not keep others from saving', async (t) => {
    const server = await start(t)
    const chunked = post(server.attacker, 'Transfer-Encoding: chunked\r\n')
    const trickling = attackWith(t, server, chunked, { reads: true })
    attackWith(t, server, '')
    attackWith(t, server, 'GET /api/ses')
    const timer = setInterval(() => trickling.forEach((socket) => socket.write('1\r\n{\r\n')), 100)
    t.teardown(() => clearInterval(timer))
    const audioBase64 = (await fixture('recording.webm')).toString('base64')
    for (let round = 0; round < 3; round++) {
      await isServed(t, server.innocent, 'trickling')
      t.equal((await server.innocent.save({ audioBase64 })).statusCode, 201)
    }
  })

  await t.test('archives that trickle do not keep others from importing', async (t) => {
    const server = await start(t, { ...LIMITS, UPLOAD_TIMEOUT_MS: '20000' })
    const archive = (await server.innocent.call('GET', '/api/users/me/export')).rawPayload
    const importArchive = () =>
      server.app.inject({
        method: 'POST',
        url: '/api/users/me/import',
        headers: { ...server.innocent.headers(), 'content-type': 'application/zip' },
        payload: archive
      })
    const endless = zip([
      {
        path: `sessions/2026-11-22_${randomUUID()}/recording.webm`,
        content: Buffer.alloc(1e6),
        isStored: true,
        sums: 'header'
      }
    ])
    const trickling = await Promise.all(
      repeat(8, async () => {
        const accomplice = server.as(`auth0|${randomUUID()}`)
        await accomplice.sync()
        const socket = open(t, server.port).resume()
        const length = `Content-Length: ${endless.length}\r\n`
        socket.write(post(accomplice, length, '/api/users/me/import').replace('json', 'zip'))
        return socket
      })
    )
    let sent = 0
    const timer = setInterval(() => {
      for (const socket of trickling) if (socket.writable) socket.write(endless.subarray(sent, sent + 1000))
      sent += 1000
    }, 100)
    t.teardown(() => clearInterval(timer))
    const statuses: number[] = []
    const until = performance.now() + CLOSING_MS
    while (!(statuses.includes(503) && statuses.at(-1) === 200) && performance.now() < until) {
      await sleep(500)
      statuses.push((await importArchive()).statusCode)
    }
    t.ok(statuses.includes(503), `all places were taken: ${statuses.join()}`)
    t.equal(statuses.at(-1), 200, 'an innocent user gets a place')
    await isServed(t, server.innocent, 'archives')
  })

  await t.test('connections that are reset in the middle of a body leave nothing', async (t) => {
    const server = await start(t)
    const body = `{"audioBase64":"${'A'.repeat(200_000)}`
    const sockets = attackWith(t, server, post(server.attacker, 'Content-Length: 3000000\r\n') + body)
    await sleep(100)
    for (const socket of sockets) socket.resetAndDestroy()
    await areClosed(t, server)
    t.equal((await server.attacker.list()).body, '[]')
    t.strictSame(await query(services.database.url, 'SELECT FROM session_leases'), [])
    await isServed(t, server.innocent, 'resets')
  })

  await t.test('a pipeline of refused requests ends with its connection', async (t) => {
    const server = await start(t)
    const socket = open(t, server.port).resume()
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.write('GET /api/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x.y.z\r\n\r\n'.repeat(1000))
    await closed
    await isServed(t, server.innocent, 'pipeline')
  })
})

/** How often each status occurs among answers that are asked for at once. */
async function tally(answers: Array<Promise<{ statusCode: number }>>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { statusCode } of await Promise.all(answers)) counts[statusCode] = (counts[statusCode] ?? 0) + 1
  return counts
}

const repeat = <T>(times: number, work: (index: number) => T): T[] =>
  Array.from({ length: times }, (_, i) => work(i))

t.test('races', { skip: needsServerWithin }, async (t) => {
  const audioBase64 = (await fixture('recording.webm')).toString('base64')
  const bytes = Buffer.from(audioBase64, 'base64').length
  const quota = {
    QUOTA_SESSIONS: '5',
    QUOTA_TEXT_BYTES: '2500',
    QUOTA_RECORDINGS_BYTES: String(3 * bytes),
    UPLOAD_CONCURRENCY: '100'
  }

  await t.test('20 saves at once pass no quota of sessions', async (t) => {
    const { attacker, innocent } = await start(t, quota)
    t.strictSame(await tally(repeat(20, () => attacker.save())), { 201: 5, 409: 15 })
    await isServed(t, innocent, 'races')
  })

  await t.test('20 saves and changes at once pass no quota of text', async (t) => {
    const { attacker } = await start(t, quota)
    const { id } = (await attacker.save()).json<{ id: string }>()
    const notes = 'x'.repeat(1000)
    await tally(
      repeat(20, (i) =>
        i % 2 ? attacker.save({ notes }) : attacker.call('PATCH', `/api/sessions/${id}`, { notes })
      )
    )
    const account = (await attacker.call('GET', '/api/users/me')).json<{ text_bytes: number }>()
    t.ok(account.text_bytes <= 2500, `${account.text_bytes} bytes`)
  })

  await t.test('saves with recordings and direct uploads at once pass no quota of recordings', async (t) => {
    const { attacker } = await start(t, quota)
    const { id } = (await attacker.save()).json<{ id: string }>()
    const begin = () =>
      attacker.call('POST', `/api/sessions/${id}/recording`, { contentType: 'audio/webm', bytes })
    await tally(repeat(20, (i) => (i % 2 ? attacker.save({ audioBase64 }) : begin())))
    const account = (await attacker.call('GET', '/api/users/me')).json<{ recordings_bytes: number }>()
    t.ok(account.recordings_bytes <= 3 * bytes, `${account.recordings_bytes} bytes`)
  })

  await t.test('20 saves at once of different sessions under one id store one', async (t) => {
    const { attacker } = await start(t)
    const id = randomUUID()
    const counts = await tally(repeat(20, (i) => attacker.save({ id, songName: `Song ${i}` })))
    t.equal(counts[201], 1)
    t.equal((counts[201] ?? 0) + (counts[409] ?? 0) + (counts[503] ?? 0), 20, JSON.stringify(counts))
    t.equal((await attacker.list()).json<unknown[]>().length, 1)
  })

  await t.test('a deletion of the account among its saves leaves all or nothing', async (t) => {
    const { attacker, innocent } = await start(t)
    const answers = repeat(10, () => attacker.save({ audioBase64 }))
    const deletion = attacker.call('DELETE', '/api/users/me')
    for (const { statusCode } of [...(await Promise.all(answers)), await deletion]) {
      t.ok([201, 204, 409, 503].includes(statusCode), String(statusCode))
    }
    while ((await attacker.call('DELETE', '/api/users/me')).statusCode !== 204) await sleep(100)
    t.equal((await attacker.list()).body, '[]')
    await isServed(t, innocent, 'races')
  })

  await t.test('completions at once of one upload attach it once', async (t) => {
    const { attacker } = await start(t)
    const { id } = (await attacker.save()).json<{ id: string }>()
    const upload = (
      await attacker.call('POST', `/api/sessions/${id}/recording`, { contentType: 'audio/webm', bytes })
    ).json<Upload>()
    const body = Buffer.from(audioBase64, 'base64')
    await fetch(upload.url, { method: 'PUT', headers: { 'content-type': upload.contentType }, body })
    const complete = () =>
      attacker.call('POST', `/api/sessions/${id}/recording/complete`, { uploadId: upload.uploadId })
    const counts = await tally(repeat(10, complete))
    t.ok((counts[200] ?? 0) > 0, JSON.stringify(counts))
    t.equal((counts[200] ?? 0) + (counts[503] ?? 0) + (counts[404] ?? 0), 10, JSON.stringify(counts))
    const account = (await attacker.call('GET', '/api/users/me')).json<{ recordings_bytes: number }>()
    t.equal(account.recordings_bytes, bytes)
  })

  await t.test(
    'the requests of a user at once pass no rate limit, which is not that of others',
    async (t) => {
      const { attacker, innocent } = await start(t, { RATE_LIMIT: '30' })
      const counts = await tally(repeat(100, () => attacker.list()))
      t.ok((counts[200] ?? 0) <= 30, JSON.stringify(counts))
      t.equal((counts[200] ?? 0) + (counts[429] ?? 0), 100, JSON.stringify(counts))
      await isServed(t, innocent, 'races')
    }
  )
})
