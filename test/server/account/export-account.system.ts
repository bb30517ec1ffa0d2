import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import type { User } from '../../../src/contract/users.ts'
import { build } from '../../helpers/app.ts'
import { fixture, largeScore } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const SESSIONS = 1000
const RECORDINGS = 60
const RECORDING_BYTES = 8_000_000

// With TEST_SERVER_MEMORY_MB=256, it also shows that the size of the account does not count.
t.test('a large account is exported as it is read', async (t) => {
  const { app, as, issuer, database } = await build(t, { env: { DATABASE_TIMEOUT_MS: '60000' } })
  const who = as('auth0|large')
  const { id: userId } = (await who.sync()).json<User>()
  await query(
    database.url,
    `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date, notes)
      SELECT '${userId}', 'Ode to Joy', 'Piano', 60, now() - n * interval '1 hour', repeat('x', 10000)
      FROM generate_series(1, ${SESSIONS}) AS n`
  )
  const score = largeScore(10 * 1024 * 1024)
  await who.save({ xmlContent: score, analysis: { markedXml: score } })
  const start = await fixture('recording.webm')
  const bytes = Buffer.concat([start, Buffer.alloc(RECORDING_BYTES - start.length)])
  for (let i = 0; i < RECORDINGS; i++) {
    const id = randomUUID()
    const key = `${userId}/${id}.webm`
    await app.storage.upload({
      key,
      bytes: bytes.length,
      stream: () => Readable.from([bytes]),
      contentType: 'audio/webm',
      signal: new AbortController().signal
    })
    await query(
      database.url,
      `INSERT INTO sessions (id, user_id, song_name, instrument, duration_seconds, audio_url, recording_bytes)
        VALUES ('${id}', '${userId}', 'Ode to Joy', 'Piano', 60, '${app.storage.publicUrl(key)}', ${bytes.length})`
    )
  }

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
