import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { readArchive } from '../../../src/server/account/import/read-archive.ts'
import { build } from '../../helpers/app.ts'
import { createLargeAccount } from '../../helpers/large-account.ts'

const SESSIONS = 1000
const RECORDINGS = Number(process.env['TEST_RECORDINGS'] ?? 20)
const RECORDING_BYTES = Number(process.env['TEST_RECORDING_BYTES'] ?? 8_000_000)

async function serve() {
  const server = await build(t, { env: { DATABASE_TIMEOUT_MS: '60000' } })
  await server.app.listen({ host: '127.0.0.1', port: 0 })
  const who = server.as('auth0|large')
  const { port } = server.app.server.address() as AddressInfo
  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    request({
      port,
      host: '127.0.0.1',
      method,
      path,
      headers: { ...who.headers(), ...headers },
      agent: false
    })
  const startExport = async () => {
    const [response] = await once(send('GET', '/api/users/me/export').end(), 'response')
    return response as IncomingMessage
  }
  return { ...server, who, send, startExport }
}

/** What the manifest of an export says about the scores and the recordings. */
async function readManifest(archive: AsyncIterable<Buffer>): Promise<string[]> {
  let manifest = ''
  for await (const { path, content } of readArchive(archive, {
    files: 100_000,
    bytes: 1e12,
    expansion: 1e12,
    expansionPerSecond: Infinity
  })) {
    if (path === 'manifest.json') manifest = await text(content)
  }
  const { files } = JSON.parse(manifest) as { files: Array<{ path: string; sha256: string }> }
  return files
    .map(({ path, sha256 }) => `${path} ${sha256}`)
    .filter((line) => /^sessions\/\S+(musicxml|webm) /.test(line))
}

// With TEST_SERVER_MEMORY_MB=256, it also shows that the size of the account does not count: for 5 GB, set
// TEST_RECORDINGS=1000 and TEST_RECORDING_BYTES=5000000.
t.test('a large account is imported while another server exports it', async (t) => {
  const [old, other] = await Promise.all([serve(), serve()])
  const size = { sessions: SESSIONS, recordings: RECORDINGS, recordingBytes: RECORDING_BYTES }
  await createLargeAccount(old, old.who, size)
  await other.who.sync()

  const began = performance.now()
  const sending = other.send('POST', '/api/users/me/import', { 'content-type': 'application/zip' })
  const [[answer]] = await Promise.all([
    once(sending, 'response') as Promise<[IncomingMessage]>,
    pipeline(await old.startExport(), sending)
  ])
  t.strictSame(JSON.parse(await text(answer)), {
    imported: SESSIONS + RECORDINGS + 1,
    already_there: 0,
    refused: 0,
    recordings_missing: 0,
    problems: []
  })
  t.comment(
    `${Math.round((RECORDINGS * RECORDING_BYTES) / 1e6)} MB in ${Math.round(performance.now() - began)} ms`
  )

  const [before, after] = await Promise.all(
    [old, other].map(async ({ startExport }) => readManifest(await startExport()))
  )
  t.equal(before?.length, RECORDINGS + 2)
  t.strictSame(after, before)
  const figures = await Promise.all(
    [old, other].map(async ({ who }) => (await who.call('GET', '/api/users/me')).json())
  )
  const names = ['session_count', 'total_minutes', 'text_bytes', 'recordings_bytes', 'streak_count']
  for (const name of names) t.equal(figures[1][name], figures[0][name], name)
})
