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
