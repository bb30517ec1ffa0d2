import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { SessionData } from '../../../src/contract/sessions.ts'
import type { User } from '../../../src/contract/users.ts'
import type { UserStatsData } from '../../../src/contract/stats.ts'
import { build } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const { app, as, database } = await build(t, { now: () => new Date('2026-11-22T18:03:00Z') })
const [clara, robert] = [as('auth0|clara'), as('auth0|robert')]
const { id: userId } = (await clara.sync()).json<User>()
await robert.sync()
const audioBase64 = (await fixture('recording.webm')).toString('base64')

const saved = async (fields: Record<string, unknown> = {}) => (await clara.save(fields)).json<SessionData>()
const storedStreak = async () =>
  (await query(database.url, `SELECT streak_count, last_practice_date FROM users WHERE id = '${userId}'`))[0]

t.test(
  'reading or deleting the session of another user answers the same 404 as one that does not exist',
  async (t) => {
    const { id } = await saved({ audioBase64 })
    for (const call of ['get', 'remove'] as const) {
      const missing = isProblem(t, await robert[call](randomUUID()), 'session_not_found')
      t.strictSame(isProblem(t, await robert[call](id), 'session_not_found'), missing)
      t.strictSame(
        isProblem(t, await as('auth0|stranger')[call](id), 'session_not_found'),
        missing,
        'also for who was never synced'
      )
    }
    const { audioUrl } = (await clara.get(id)).json<SessionData>()
    t.equal((await fetch(audioUrl ?? '')).status, 200, 'nothing was deleted')
  }
)

t.test('an id that is not a UUID is refused', async (t) => {
  const id = randomUUID()
  for (const wrong of [
    '1',
    'undefined',
    id.slice(1),
    `${id}0`,
    id.replaceAll('-', ''),
    `{${id}}`,
    `${id}%00`,
    `${id}%20`,
    '%F0%9F%98%80',
    '..%2F..%2Fetc',
    'x'.repeat(200)
  ]) {
    isProblem(t, await clara.get(wrong), 'invalid_input', 'id')
    isProblem(t, await clara.remove(wrong), 'invalid_input', 'id')
  }
})

t.test('a deletion answers 204 and removes session, recording and practice time', async (t) => {
  const before = (await clara.stats()).json<UserStatsData>()
  const { id, audioUrl } = await saved({ audioBase64, duration: 600 })
  t.equal((await clara.stats()).json<UserStatsData>().total_minutes, before.total_minutes + 10)
  const response = await clara.remove(id.toUpperCase())
  t.equal(response.statusCode, 204)
  t.equal(response.body, '')

  isProblem(t, await clara.get(id), 'session_not_found')
  isProblem(t, await clara.remove(id), 'session_not_found')
  t.not((await fetch(audioUrl ?? '')).status, 200)
  t.notOk(await app.storage.exists(`${userId}/${id}.webm`))
  t.notOk((await clara.list()).body.includes(id))
  t.strictSame((await clara.stats()).json<UserStatsData>(), before)
  t.strictSame(await query(database.url, 'SELECT * FROM session_leases'), [])
})

t.test('a session without a recording is deleted as well', async (t) => {
  const { id } = await saved()
  t.equal((await clara.remove(id)).statusCode, 204)
  isProblem(t, await clara.remove(id), 'session_not_found')
})

t.test('a deletion removes the recording of the session in any format, and no other recording', async (t) => {
  const stays = await saved({ audioBase64 })
  for (const name of ['recording.m4a', 'recording.ogg', 'recording.mp3', 'recording.wav', 'recording.flac']) {
    const { id, audioUrl } = await saved({ audioBase64: (await fixture(name)).toString('base64') })
    t.equal((await clara.remove(id)).statusCode, 204)
    t.not((await fetch(audioUrl ?? '')).status, 200, name)
  }
  t.equal((await fetch(stays.audioUrl ?? '')).status, 200)
})

t.test('a session whose recording is already missing can be deleted', async (t) => {
  const { id } = await saved({ audioBase64 })
  await app.storage.remove([`${userId}/${id}.webm`])
  t.equal((await clara.remove(id)).statusCode, 204)
  isProblem(t, await clara.get(id), 'session_not_found')
})

t.test('the streak is correct after each deletion', async (t) => {
  await Promise.all((await clara.list()).json<SessionData[]>().map(({ id }) => clara.remove(id)))
  t.strictSame(await storedStreak(), { streak_count: 0, last_practice_date: null })
  const dates = [
    '2026-11-22T10:00:00Z',
    '2026-11-21T10:00:00Z',
    '2026-11-21T12:00:00Z',
    '2026-11-20T10:00:00Z'
  ]
  const [today, morning, noon, first] = await Promise.all(dates.map((date) => saved({ date })))
  const remove = async (session: SessionData | undefined) => {
    await clara.remove(session?.id ?? '')
    return storedStreak()
  }
  t.match(await storedStreak(), { streak_count: 3 })
  t.match(await remove(noon), { streak_count: 3 }, 'the day has another session')
  t.match(await remove(today), { streak_count: 2, last_practice_date: new Date('2026-11-21T10:00:00Z') })
  t.match(await remove(morning), { streak_count: 0, last_practice_date: new Date('2026-11-20T10:00:00Z') })
  t.strictSame(await remove(first), { streak_count: 0, last_practice_date: null })
})
