import t from 'tap'
import type { Account, User } from '../../../src/contract/users.ts'
import { build } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'
import { fixture } from '../../helpers/recordings.ts'
import { query } from '../../helpers/scratch-database.ts'

const NOW = new Date('2026-03-10T12:00:00Z')
const { as, database } = await build(t, { now: () => NOW, env: { QUOTA_SESSIONS: '70' } })
const recording = await fixture('recording.webm')

const QUOTAS = { session_count: 70, text_bytes: 2 * 10 ** 9, recordings_bytes: 100 * 10 ** 9 }

t.test('the account has the profile, what it holds and what it may hold', async (t) => {
  const clara = as('auth0|clara')
  const user = (await clara.sync()).json<User>()
  const me = async () => (await clara.call('GET', '/api/users/me')).json<Account>()
  const empty = { total_minutes: 0, session_count: 0, text_bytes: 0, recordings_bytes: 0 }
  t.strictSame(await me(), { ...user, ...empty, quotas: QUOTAS })

  await clara.save({ duration: 100, date: NOW.toISOString(), notes: 'é', xmlContent: '<score/>' })
  await clara.save({ duration: 50, date: NOW.toISOString(), audioBase64: recording.toString('base64') })
  t.strictSame(await me(), {
    ...user,
    streak_count: 1,
    last_practice_date: NOW.toISOString(),
    total_minutes: 3,
    session_count: 2,
    text_bytes: 10,
    recordings_bytes: recording.length,
    quotas: QUOTAS
  })
})

t.test('what was never counted is counted, and a streak that has ended is 0', async (t) => {
  const robert = as('auth0|robert')
  await robert.sync()
  await robert.save({ duration: 120, date: '2026-03-01T12:00:00Z' })
  await query(
    database.url,
    `UPDATE users SET total_seconds = NULL, session_count = NULL, text_bytes = NULL, recordings_bytes = NULL,
      streak_count = 1 WHERE auth0_id = 'auth0|robert'`
  )
  const account = (await robert.call('GET', '/api/users/me')).json<Account>()
  t.match(account, { total_minutes: 2, session_count: 1, text_bytes: 0, streak_count: 0 })
})

t.test('a user who was never synced has no account, and is told what to call', async (t) => {
  const { detail } = isProblem(t, await as('auth0|new').call('GET', '/api/users/me'), 'user_not_synced')
  t.match(detail, 'POST /api/users/sync')
})
