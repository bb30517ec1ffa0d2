import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { localDay } from '../../../src/contract/local-day.ts'
import { practiceDays, summarise } from '../../../src/contract/practice-days.ts'
import { build, type Caller } from '../../helpers/app.ts'
import { connect, untilBlocked } from '../../helpers/other-connection.ts'
import { fixture } from '../../helpers/recordings.ts'
import { needsRealServer, query } from '../../helpers/scratch-database.ts'

const NOW = new Date('2026-11-22T18:03:00Z')
const HOUR = 3_600_000
const { app, as, database, issuer } = await build(t, { now: () => NOW, env: { DATABASE_POOL_SIZE: '10' } })
const ROUNDS = database.real ? 6 : 3
const audioBase64 = (await fixture('recording.webm')).toString('base64')

const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * HOUR).toISOString()
const edit = (who: Caller, id: string, payload: object, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'PATCH',
    url: `/api/sessions/${id}`,
    headers: { authorization: `Bearer ${issuer.token(who.sub)}`, ...headers },
    payload
  })

/** The stored figures of a user equal a naive count of the stored sessions. */
async function figuresAreRight(t: Test, { sub }: Caller) {
  const [user] = await query<{ streak: number; seconds: string; sessions: number; bytes: string }>(
    database.url,
    `SELECT streak_count AS streak, total_seconds AS seconds, session_count AS sessions, text_bytes AS bytes
     FROM users WHERE auth0_id = '${sub}'`
  )
  const stored = await query<{ date: Date; durationSeconds: number; texts: string }>(
    database.url,
    `SELECT date, duration_seconds AS "durationSeconds",
       concat(xml_content, notes, analysis_summary, analysis_feedback, marked_xml) AS texts
     FROM sessions JOIN users u ON u.id = user_id WHERE auth0_id = '${sub}'`
  )
  const { streak } = summarise(practiceDays(stored, 'Europe/Berlin', NOW), localDay(NOW, 'Europe/Berlin'))
  t.strictSame(user, {
    streak,
    seconds: String(stored.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)),
    sessions: stored.length,
    bytes: String(stored.reduce((sum, { texts }) => sum + Buffer.byteLength(texts), 0))
  })
}

async function newcomer() {
  const who = as(`auth0|${randomUUID()}`)
  await who.sync({ timeZone: 'Europe/Berlin' })
  return who
}

t.test('edits that race saves, deletions and other edits leave the figures right', async (t) => {
  const who = await newcomer()
  const seen = new Set<number>()
  for (let round = 0; round < ROUNDS; round++) {
    const [id, other, spare] = [randomUUID(), randomUUID(), randomUUID()]
    await who.save({ id, date: hoursAgo(24 * (round % 5)), duration: 100, ...(round % 2 && { audioBase64 }) })
    await who.save({ id: other, date: hoursAgo(30) })
    const racers = [
      () => edit(who, id, { date: hoursAgo(24 * ((round + 1) % 4)), duration: 50 }),
      () => edit(who, id, { notes: 'é'.repeat(round), analysis: { markedXml: 'è' } }),
      () => edit(who, other, { date: hoursAgo(24), duration: 1 }),
      () => who.save({ id: spare, date: hoursAgo(48), notes: 'x' }),
      () => edit(who, spare, { date: hoursAgo(0) }),
      () => who.remove(other),
      () => (round % 3 ? who.save({ date: hoursAgo(72) }) : who.remove(id)),
      () => who.call('DELETE', `/api/sessions/${id}/recording`),
      () => who.sync({ timeZone: 'Europe/Berlin' })
    ]
    const answers = await Promise.all(
      racers.map(async (race) => {
        await sleep(Math.random() * 20)
        return race()
      })
    )
    for (const { statusCode, body } of answers) {
      seen.add(statusCode)
      t.ok(statusCode < 500 || body.includes('session_busy'), body)
    }
    await figuresAreRight(t, who)
  }
  t.ok(seen.has(200))
})

t.test('an edit that deadlocks with a write by SQL is tried again', { skip: needsRealServer }, async (t) => {
  const who = await newcomer()
  const id = randomUUID()
  await who.save({ id })
  const client = await connect(t, database.url)
  await client.query(
    `BEGIN; SET LOCAL deadlock_timeout = '10s'; SELECT FROM sessions WHERE id = '${id}' FOR UPDATE`
  )
  const edited = edit(who, id, { notes: 'edited', duration: 7 })
  await untilBlocked(database.url) // the edit has locked the user
  // The trigger waits for the user.
  const written = client.query(`UPDATE sessions SET instrument = 'Cello' WHERE id = '${id}'`)
  // The edit is the victim, because it looks for a deadlock first.
  await written
  await client.query('COMMIT')
  const response = await edited
  t.equal(response.statusCode, 200)
  t.match(response.json(), { notes: 'edited', durationSeconds: 7, instrument: 'Cello' })
  await figuresAreRight(t, who)
})

t.test('an edit changes what was written while it waited', { skip: needsRealServer }, async (t) => {
  const who = await newcomer()
  const id = randomUUID()
  await who.save({ id, date: hoursAgo(24) })
  const tag = String((await who.get(id)).headers.etag)
  const client = await connect(t, database.url)
  await client.query(`BEGIN; SELECT FROM users WHERE auth0_id = '${who.sub}' FOR UPDATE`)
  const plain = edit(who, id, { date: hoursAgo(1) })
  const onCondition = edit(who, id, { notes: 'x' }, { 'if-match': tag })
  await untilBlocked(database.url, 2) // both have taken their snapshots
  await client.query(`UPDATE sessions SET duration_seconds = 5, instrument = 'Cello' WHERE id = '${id}'`)
  await client.query('COMMIT')
  t.match((await plain).json(), { date: hoursAgo(1), durationSeconds: 5, instrument: 'Cello' })
  t.equal((await onCondition).statusCode, 412)
  await figuresAreRight(t, who)
})

t.test(
  'an edit of a session that is deleted while it waits is not found',
  { skip: needsRealServer },
  async (t) => {
    const who = await newcomer()
    const id = randomUUID()
    await who.save({ id })
    const client = await connect(t, database.url)
    await client.query(`BEGIN; DELETE FROM sessions WHERE id = '${id}'`)
    const edited = edit(who, id, { notes: 'x' })
    await untilBlocked(database.url)
    await client.query('COMMIT')
    t.equal((await edited).statusCode, 404)
  }
)
