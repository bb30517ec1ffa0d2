import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { build } from '../../helpers/app.ts'
import { createLargeAccount } from '../../helpers/large-account.ts'

const SESSIONS = 1000
const RECORDINGS = 60
const RECORDING_BYTES = 8_000_000

// With TEST_SERVER_MEMORY_MB=256, it also shows that the size of the account does not count.
t.test('a large account is exported as it is read', async (t) => {
  const { app, as, issuer, database } = await build(t, { env: { DATABASE_TIMEOUT_MS: '60000' } })
  const who = as('auth0|large')
  const size = { sessions: SESSIONS, recordings: RECORDINGS, recordingBytes: RECORDING_BYTES }
  await createLargeAccount({ app, database }, who, size)

  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const headers = { authorization: `Bearer ${issuer.token(who.sub)}` }
  const began = performance.now()
  const reading = request({ port, host: '127.0.0.1', path: '/api/users/me/export', headers }).end()
  const [response] = (await once(reading, 'response')) as [IncomingMessage]
  t.equal(response.statusCode, 200)
  let received = 0
  let end = Buffer.alloc(0)
  for await (const chunk of response as AsyncIterable<Buffer>) {
    received += chunk.length
    end = Buffer.concat([end, chunk]).subarray(-22)
  }
  t.equal(end.readUInt32LE(0), 0x06054b50, 'the archive ends with its directory')
  t.equal(end.readUInt16LE(10), RECORDINGS + 2 + (SESSIONS + RECORDINGS + 1) + 3, 'the files of the archive')
  t.ok(received > RECORDINGS * RECORDING_BYTES)
  t.comment(`${Math.round(received / 1e6)} MB in ${Math.round(performance.now() - began)} ms`)
})
