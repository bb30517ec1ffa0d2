import { hash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import type { Account } from '../../../src/contract/users.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture, largeScore } from '../../helpers/recordings.ts'
import { needsServerWithin } from '../../helpers/server-command.ts'
import { unzip } from '../../helpers/unzip.ts'

const services = await startServices(t)
const recording = await fixture('recording.webm')
const audioBase64 = recording.toString('base64')

const digestOf = (path: string, content: Buffer = Buffer.alloc(0)) => ({
  path,
  bytes: content.length,
  sha256: hash('sha256', content)
})

async function newcomer(t: Test, env: NodeJS.ProcessEnv = {}) {
  const server = await build(t, { services, env })
  const who = server.as(`auth0|${randomUUID()}`)
  await who.sync({ name: '<Clara> & "Co"', timeZone: 'Europe/Berlin' })
  return { ...server, who }
}

const exported = async (who: Caller) => {
  const response = await who.call('GET', '/api/users/me/export')
  return { response, files: unzip(response.rawPayload) }
}

t.test('an export has every session, score and recording, a page, and the digest of each file', async (t) => {
  const { who } = await newcomer(t)
  const score = largeScore(300_000)
  const date = '2026-11-22T23:30:00.000Z'
  const first = (
    await who.save({
      date,
      songName: '<b>Für Elise</b>',
      notes: 'slow </div> down',
      audioBase64,
      xmlContent: score,
      analysis: { summary: 'Steady', feedback: 'Mind bar 12', scoreAccuracy: 87, markedXml: '<marked/>' }
    })
  ).json<{ id: string }>()
  const more = []
  for (let i = 0; i < 45; i++) {
    more.push((await who.save({ date: '2026-11-20T10:00:00Z' })).json<{ id: string }>())
  }

  const { response, files } = await exported(who)
  t.equal(response.statusCode, 200)
  t.match(response.headers, {
    'content-type': 'application/zip',
    'content-disposition': /^attachment; filename="harmony-helper-\d{4}-\d\d-\d\d\.zip"$/,
    'content-length': undefined
  })
  const folder = `sessions/2026-11-22_${first.id}`
  t.strictSame(
    [...files.keys()].sort(),
    [
      'account.json',
      'index.html',
      'manifest.json',
      `${folder}/recording.webm`,
      `${folder}/score.musicxml`,
      `${folder}/score_marked.musicxml`,
      `${folder}/session.json`,
      ...more.map(({ id }) => `sessions/2026-11-20_${id}/session.json`)
    ].sort()
  )
  const text = (path: string) => `${files.get(path)}`
  t.strictSame(JSON.parse(text('account.json')), (await who.call('GET', '/api/users/me')).json())
  const { files: others, ...session } = JSON.parse(text(`${folder}/session.json`))
  t.strictSame(session, (await who.get(first.id)).json())
  t.ok(text(`${folder}/score.musicxml`) === score)
  t.equal(text(`${folder}/score_marked.musicxml`), '<marked/>')
  t.ok(files.get(`${folder}/recording.webm`)?.equals(recording))
  t.strictSame(
    others,
    ['score.musicxml', 'score_marked.musicxml', 'recording.webm'].map((path) =>
      digestOf(path, files.get(`${folder}/${path}`))
    )
  )

  const page = text('index.html')
  t.match(page, `src="${folder}/recording.webm"`)
  t.match(page, '23 November 2026 at 00:30')
  t.match(page, '&lt;b&gt;Für Elise&lt;/b&gt;')
  t.match(page, 'slow &lt;/div&gt; down')
  t.notMatch(page, /<b>|<Clara>/)

  const manifest = JSON.parse(text('manifest.json'))
  t.match(manifest, { format: 'harmony-helper-export', version: 2, session_count: 46, missing: [] })
  t.strictSame(
    manifest.files.map(({ path }: { path: string }) => path).sort(),
    [...files.keys()].filter((path) => path !== 'manifest.json').sort()
  )
  for (const file of manifest.files) t.strictSame(file, digestOf(file.path, files.get(file.path)))
})

t.test('an empty account has an export, and nobody without an account', async (t) => {
  const { as, who } = await newcomer(t)
  const { files } = await exported(who)
  t.strictSame([...files.keys()], ['account.json', 'index.html', 'manifest.json'])
  isProblem(t, await as('auth0|nobody').call('GET', '/api/users/me/export'), 'user_not_synced')
  t.equal((await who.call('HEAD', '/api/users/me/export')).body, '')
})

t.test('a recording that the storage has lost is named, and the export goes on', async (t) => {
  const { app, who } = await newcomer(t)
  const account = (await who.call('GET', '/api/users/me')).json<Account>()
  const { id } = (await who.save({ date: '2026-11-22T12:00:00Z', audioBase64 })).json<{ id: string }>()
  await app.storage.remove([`${account.id}/${id}.webm`])
  const { files } = await exported(who)
  t.match(JSON.parse(`${files.get('manifest.json')}`), {
    missing: [{ session_id: id, path: `sessions/2026-11-22_${id}/recording.webm` }]
  })
  t.match(`${files.get('index.html')}`, 'The recording is missing')
  t.notMatch(`${files.get('index.html')}`, '<audio')
})

t.test('the memory that an export takes counts in the budget', { skip: needsServerWithin }, async (t) => {
  const { app, who } = await newcomer(t)
  const { tryAcquire } = app.memoryBudget.answers
  let taken = 0
  app.memoryBudget.answers.tryAcquire = (user, bytes = 1) => {
    taken += bytes
    return tryAcquire(user, bytes)
  }
  t.equal((await exported(who)).response.statusCode, 200)
  t.ok(taken >= 1024 * 1024, `${taken} bytes`)
})

async function listen({ app, issuer, who }: Awaited<ReturnType<typeof newcomer>>) {
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return async () => {
    const headers = { authorization: `Bearer ${issuer.token(who.sub)}` }
    const reading = request({
      port,
      host: '127.0.0.1',
      path: '/api/users/me/export',
      headers,
      agent: false
    }).end()
    const [response] = (await once(reading, 'response')) as [IncomingMessage]
    return response
  }
}

t.test('a failure after the first byte destroys the connection', async (t) => {
  const proxy = await startFaultyProxy(t, services.env['SUPABASE_URL'] ?? '')
  const server = await newcomer(t, { SUPABASE_URL: proxy.url, STORAGE_TIMEOUT_MS: '500' })
  await server.who.save({ audioBase64 })
  const start = await listen(server)
  proxy.breakOn('GET /storage/v1/object/', 'hang')
  const response = await start()
  t.equal(response.statusCode, 200)
  await t.rejects(buffer(response))
})

t.test('one export of a user runs at a time, and one that is broken off makes room', async (t) => {
  const proxy = await startFaultyProxy(t, services.env['SUPABASE_URL'] ?? '')
  const server = await newcomer(t, { SUPABASE_URL: proxy.url })
  await server.who.save({ audioBase64 })
  const start = await listen(server)
  const hung = proxy.breakOn('GET /storage/v1/object/', 'hang')
  const first = await start()
  await hung
  isProblem(t, await server.who.call('GET', '/api/users/me/export'), 'server_busy')
  first.destroy()
  await proxy.resume()
  let again
  do again = await server.who.call('GET', '/api/users/me/export')
  while (again.statusCode === 503)
  t.equal(again.statusCode, 200)
  t.match(JSON.parse(`${unzip(again.rawPayload).get('manifest.json')}`), { session_count: 1 })
})

const idOf = async (saving: ReturnType<Caller['save']>) => (await saving).json<{ id: string }>().id

type ExportedSession = { notes: string | null; xmlContent: string | null; files: unknown[] }

function sessionOf(files: Map<string, Buffer>, id: string) {
  const paths = [...files.keys()].filter((path) => path.includes(id))
  const [folder] = paths.flatMap((path) => path.match(/^(.*)\/session\.json$/)?.slice(1) ?? [])
  const session = JSON.parse(`${files.get(`${folder}/session.json`)}`) as ExportedSession
  return { paths, score: files.get(`${folder}/score.musicxml`), session }
}

t.test('sessions that are edited or deleted during an export break nothing', async (t) => {
  const proxy = await startFaultyProxy(t, services.env['SUPABASE_URL'] ?? '')
  const { who } = await newcomer(t, { SUPABASE_URL: proxy.url })
  const xmlContent = largeScore(300_000)
  await who.save({ date: '2026-11-22T12:00:00Z', audioBase64 })
  const edited = await idOf(who.save({ date: '2026-11-21T12:00:00Z', xmlContent }))
  const deleted = await idOf(who.save({ date: '2026-11-20T12:00:00Z', xmlContent }))
  const later = await idOf(who.save({ date: '2026-11-19T12:00:00Z' }))
  for (let i = 0; i < 20; i++) await who.save({ date: '2026-11-18T12:00:00Z' })
  const earlier = await idOf(who.save({ date: '2026-11-17T12:00:00Z' }))

  const hung = proxy.breakOn('GET /storage/v1/object/', 'hang')
  const exporting = exported(who)
  await hung // the first session is being sent
  const changed = largeScore(200_000)
  await who.call('PATCH', `/api/sessions/${edited}`, { notes: 'edited', xmlContent: changed })
  t.equal((await who.remove(deleted)).statusCode, 204)
  await who.call('PATCH', `/api/sessions/${later}`, { date: '2026-11-16T12:00:00Z' })
  await who.call('PATCH', `/api/sessions/${earlier}`, { date: '2026-11-23T12:00:00Z' })
  const added = await idOf(who.save({ date: '2026-11-24T12:00:00Z' }))
  await proxy.resume()

  const { files } = await exporting
  const { session, score } = sessionOf(files, edited)
  t.match(session, { notes: 'edited', files: [digestOf('score.musicxml', score)] })
  t.ok(session.xmlContent === changed && `${score}` === changed)
  for (const id of [later, earlier]) t.equal(sessionOf(files, id).paths.length, 1, 'comes once')
  for (const id of [deleted, added]) t.notMatch([...files.keys(), `${files.get('index.html')}`].join(), id)
  t.match(JSON.parse(`${files.get('manifest.json')}`), { session_count: 24 })
})

t.test('a session that is edited while it is read is read again', { skip: needsServerWithin }, async (t) => {
  const { app, who } = await newcomer(t)
  const { database } = app.sessions
  const { run } = database
  // Characters of four bytes, which pieces of a file divide.
  const xmlContent = `<!--${'𝄞'.repeat(100_000)}-->`
  const markedXml = xmlContent.replace('<!--', '<!--a')
  const id = await idOf(who.save({ xmlContent, analysis: { markedXml } }))
  const statements: string[] = []
  database.run = async (statement, values) => {
    const rows = await run(statement, values)
    if (!/^(xml_content|marked_xml)/.test(statement.name)) return rows as never
    statements.push(statement.name)
    if (statements.length === 1) await who.call('PATCH', `/api/sessions/${id}`, { notes: 'edited' })
    return rows as never
  }
  const { files } = await exported(who)
  const { session, score, paths } = sessionOf(files, id)
  t.ok(statements.length > 3, 'it was read in pieces')
  t.equal(paths.length, 3)
  t.match(session, { notes: 'edited', analysis: {} })
  t.ok(session.xmlContent === xmlContent && `${score}` === xmlContent)
  t.ok(`${files.get(paths.find((path) => path.includes('marked')) ?? '')}` === markedXml)
  t.match(JSON.parse(`${files.get('manifest.json')}`), { session_count: 1 })

  database.run = async (statement, values) => {
    const rows = await run(statement, values)
    if (statement.name.startsWith('xml_content')) await who.remove(id)
    return rows as never
  }
  t.match(JSON.parse(`${(await exported(who)).files.get('manifest.json')}`), { session_count: 0 })
})
