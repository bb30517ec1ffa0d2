import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { build } from '../../helpers/app.ts'
import { connect, untilBlocked } from '../../helpers/other-connection.ts'
import { fixture } from '../../helpers/recordings.ts'
import { needsRealServer } from '../../helpers/scratch-database.ts'

const audioBase64 = (await fixture('recording.webm')).toString('base64')
const { as, ...services } = await build(t)
const { database } = services

t.test('a save that waits too long for a lock is not stored later', { skip: needsRealServer }, async (t) => {
  const { as } = await build(t, { services, env: { DATABASE_TIMEOUT_MS: '3000' } })
  const fanny = as('auth0|fanny')
  await fanny.sync()
  const client = await connect(t, database.url)
  await client.query(`BEGIN; SELECT FROM users WHERE auth0_id = '${fanny.sub}' FOR UPDATE`)
  t.equal((await fanny.save()).statusCode, 503)
  await sleep(500)
  await client.query('COMMIT')
  await fanny.sync() // would wait for a save that goes on
  t.same((await fanny.list()).json(), [])
})

t.test('removing a recording locks the user before the session', { skip: needsRealServer }, async (t) => {
  const clara = as('auth0|clara')
  await clara.sync()
  const id = randomUUID()
  await clara.save({ id, audioBase64 })
  const client = await connect(t, database.url)
  await client.query(`BEGIN; SELECT FROM users WHERE auth0_id = '${clara.sub}' FOR UPDATE`)
  const removed = clara.call('DELETE', `/api/sessions/${id}/recording`)
  await untilBlocked(database.url)
  await client.query(`SELECT FROM sessions WHERE id = '${id}' FOR UPDATE NOWAIT`)
  await client.query('COMMIT')
  t.equal((await removed).statusCode, 204)
})

t.test(
  'a user who is deleted meanwhile gets the answers of an unknown user',
  { skip: needsRealServer },
  async (t) => {
    const robert = as('auth0|robert')
    await robert.sync()
    const { id } = (await robert.save()).json<{ id: string }>()
    const client = await connect(t, database.url)
    await client.query(`BEGIN; DELETE FROM users WHERE auth0_id = '${robert.sub}'`)
    const answers = [robert.save(), robert.save({ audioBase64 }), robert.remove(id)]
    await untilBlocked(database.url, answers.length)
    await client.query('COMMIT')
    const codes = (await Promise.all(answers)).map((answer) => answer.json<{ code: string }>().code)
    t.same(codes, ['user_not_synced', 'user_not_synced', 'session_not_found'])
  }
)
