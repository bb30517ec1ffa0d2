import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { User } from '../../src/contract/users.ts'
import type { build, Caller } from './app.ts'
import { fixture, largeScore } from './recordings.ts'
import { query } from './scratch-database.ts'

type Server = Pick<Awaited<ReturnType<typeof build>>, 'app' | 'database'>
type Size = { sessions: number; recordings: number; recordingBytes: number }

/**
 * Gives a new user this many sessions with notes alone, one with two scores of ten megabytes, and sessions with
 * recordings, each with other bytes.
 */
export async function createLargeAccount({ app, database }: Server, who: Caller, size: Size): Promise<void> {
  const { id: userId } = (await who.sync()).json<User>()
  await query(
    database.url,
    `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date, notes)
      SELECT '${userId}', 'Ode to Joy', 'Piano', 60, now() - n * interval '1 hour', repeat('x', 10000)
      FROM generate_series(1, ${size.sessions}) AS n`
  )
  const score = largeScore(10 * 1024 * 1024)
  await who.save({ xmlContent: score, analysis: { markedXml: score } })
  const start = await fixture('recording.webm')
  const bytes = Buffer.concat([start, Buffer.alloc(size.recordingBytes - start.length)])
  for (let i = 0; i < size.recordings; i++) {
    const id = randomUUID()
    const key = `${userId}/${id}.webm`
    bytes.writeUInt32LE(i, bytes.length - 4)
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
}
