import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { localDay } from '../../../src/contract/local-day.ts'
import { practiceDays, summarise } from '../../../src/contract/practice-days.ts'
import { runsOf } from '../../helpers/property-runs.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { connect, untilBlocked } from '../../helpers/other-connection.ts'
import { needsRealServer, query } from '../../helpers/scratch-database.ts'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Pacific/Auckland',
  'America/Sao_Paulo',
  'Asia/Kathmandu'
]
const HOUR = 3_600_000
/** A week with a change of clocks in several of the zones. */
const START = Date.UTC(2026, 9, 20, 12)
const services = await startServices(t)

type Operation =
  | { kind: 'save'; hoursAgo: number; seconds: number; text: number }
  | {
      kind: 'repeat' | 'delete' | 'delete by SQL' | 'move by SQL' | 'lengthen by SQL'
      pick: number
      hoursAgo: number
    }
  | { kind: 'edit'; pick: number; hoursAgo: number | undefined; seconds: number; text: number }
  | { kind: 'insert by SQL'; hoursAgo: number; seconds: number }
  | { kind: 'zone'; zone: string }
  | { kind: 'wait'; hours: number }
  | { kind: 'read' }
  | { kind: 'forget' }

/** Mostly whole days, so that streaks grow, break and join. Negative: in the future. */
const hoursAgo = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 12 }).map((days) => days * 24) },
  { weight: 2, arbitrary: fc.integer({ min: -47, max: 300 }) },
  { weight: 1, arbitrary: fc.constant(0) }
)
const seconds = fc.integer({ min: 0, max: 7200 })
const pick = fc.nat(1000)

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('save' as const), hoursAgo, seconds, text: fc.nat(50) })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'repeat' as const,
        'delete' as const,
        'delete' as const,
        'delete by SQL' as const,
        'move by SQL' as const,
        'lengthen by SQL' as const
      ),
      pick,
      hoursAgo
    })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('edit' as const),
      pick,
      hoursAgo: fc.option(hoursAgo, { nil: undefined }),
      seconds,
      text: fc.nat(50)
    })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('insert by SQL' as const), hoursAgo, seconds }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('zone' as const), zone: fc.constantFrom(...ZONES) })
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 40 }) })
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'read' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'forget' as const }) }
)

type Stored = { id: string; date: Date; durationSeconds: number }
type UserRow = {
  id: string
  streak_count: number
  last_practice_date: Date | null
  total_seconds: string | null
  session_count: number | null
  text_bytes: string | null
}

t.test('the figures of a user are always what counting the sessions gives', async (t) => {
  let now = new Date(START)
  const { as, database } = await build(t, { services, now: () => now })
  let users = 0
  let edits = 0

  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 30 }), async (operations) => {
      now = new Date(START)
      const user = as(`auth0|figures-${users++}`)
      const state = { zone: 'UTC', isWritten: true }
      await user.sync({ timeZone: state.zone })
      for (const step of operations) {
        await perform(user, step, state)
        await compare(t, user, state)
      }
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? runsOf(25)) }
  )

  async function sessionsOf(user: Caller): Promise<Stored[]> {
    return query<Stored & Record<string, unknown>>(
      database.url,
      `SELECT s.id, date, duration_seconds AS "durationSeconds" FROM sessions s JOIN users u ON u.id = user_id
       WHERE auth0_id = '${user.sub}' ORDER BY date, s.id`
    )
  }

  async function perform(user: Caller, step: Operation, state: { zone: string; isWritten: boolean }) {
    state.isWritten = true
    if (step.kind === 'wait') {
      now = new Date(now.getTime() + step.hours * HOUR)
      state.isWritten = false
    } else if (step.kind === 'read') {
      state.isWritten = false
    } else if (step.kind === 'zone') {
      state.zone = step.zone
      t.equal((await user.sync({ timeZone: step.zone })).statusCode, 200)
    } else if (step.kind === 'save') {
      const date = new Date(now.getTime() - step.hoursAgo * HOUR).toISOString()
      const text = 'é'.repeat(step.text)
      const analysis = { summary: text, feedback: text, markedXml: text }
      const response = await user.save({
        date,
        duration: step.seconds,
        xmlContent: text,
        notes: text,
        analysis
      })
      t.equal(response.statusCode, 201)
    } else {
      state.isWritten = step.kind === 'delete' || step.kind === 'edit'
      await performOnStored(user, step, state)
    }
  }

  async function performOnStored(
    user: Caller,
    step: Operation & { hoursAgo?: number | undefined; pick?: number; seconds?: number },
    state: { isWritten: boolean }
  ) {
    const stored = await sessionsOf(user)
    const chosen = stored[(step.pick ?? 0) % Math.max(stored.length, 1)]
    const date = new Date(now.getTime() - (step.hoursAgo ?? 0) * HOUR).toISOString()
    const owner = `(SELECT id FROM users WHERE auth0_id = '${user.sub}')`
    if (step.kind === 'forget') {
      await query(
        database.url,
        `UPDATE users SET total_seconds = NULL, session_count = NULL, text_bytes = NULL, recordings_bytes = NULL,
         figures_zone = NULL WHERE auth0_id = '${user.sub}'`
      )
    } else if (step.kind === 'insert by SQL') {
      await query(
        database.url,
        `INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date)
         VALUES (${owner}, 'x', 'y', ${step.seconds}, '${date}'),
           (${owner}, 'x', 'y', 1, '${date}'::timestamptz - interval '1 day')`
      )
    } else if (!chosen) {
      state.isWritten = false
    } else if (step.kind === 'delete') {
      t.equal((await user.remove(chosen.id)).statusCode, 204)
    } else if (step.kind === 'edit') {
      const text = 'è'.repeat(step.text)
      const response = await user.call('PATCH', `/api/sessions/${chosen.id}`, {
        ...(step.hoursAgo !== undefined && { date }),
        duration: step.seconds,
        notes: `${text}${edits++}`,
        analysis: { markedXml: text }
      })
      t.equal(response.statusCode, 200)
    } else if (step.kind === 'repeat') {
      const session = (await user.get(chosen.id)).json() as Record<string, unknown>
      const response = await user.save({ ...session, duration: session['durationSeconds'] })
      t.equal(response.statusCode, 200)
    } else {
      const statements = {
        'delete by SQL': `DELETE FROM sessions WHERE id = '${chosen.id}'`,
        'move by SQL': `UPDATE sessions SET date = '${date}' WHERE id = '${chosen.id}'`,
        'lengthen by SQL': `UPDATE sessions SET duration_seconds = 17 WHERE id = '${chosen.id}'`
      }
      await query(database.url, statements[step.kind as keyof typeof statements])
    }
  }

  async function compare(t: Test, user: Caller, { zone, isWritten }: { zone: string; isWritten: boolean }) {
    const stored = await sessionsOf(user)
    const today = localDay(now, zone)
    const expected = summarise(practiceDays(stored, zone, now), today)
    if (isWritten) await compareRow(t, user, stored, expected.streak)
    t.same((await user.stats()).json(), expected)
    for (const other of ['Asia/Tokyo', zone]) {
      const days = practiceDays(stored, other, now)
      t.same((await user.stats(`?tz=${other}`)).json(), summarise(days, localDay(now, other)))
    }
  }

  async function compareRow(t: Test, user: Caller, stored: Stored[], streak: number) {
    const [row] = await query<UserRow>(
      database.url,
      `SELECT id, streak_count, last_practice_date, total_seconds, session_count, text_bytes
       FROM users WHERE auth0_id = '${user.sub}'`
    )
    const newest = stored.filter(({ date }) => date <= now).at(-1)?.date ?? null
    t.equal(row?.streak_count, streak)
    t.same(row?.last_practice_date, newest)
    const [sums] = await query<{ seconds: string; sessions: string; text_bytes: string }>(
      database.url,
      `SELECT coalesce(sum(duration_seconds), 0) AS seconds, count(*) AS sessions,
         coalesce(sum(octet_length(concat(xml_content, notes, analysis_summary, analysis_feedback, marked_xml))), 0) AS text_bytes
       FROM sessions WHERE user_id = '${row?.id}'`
    )
    if (row?.total_seconds !== null) t.equal(row?.total_seconds, sums?.seconds)
    if (row?.session_count !== null) t.equal(String(row?.session_count), sums?.sessions)
    if (row?.text_bytes !== null) t.equal(row?.text_bytes, sums?.text_bytes)
  }
})

t.test('concurrent saves, repeats and deletions leave the figures right', async (t) => {
  const now = new Date(START)
  const { as, database } = await build(t, { services, now: () => now, env: { DATABASE_POOL_SIZE: '10' } })
  const user = as('auth0|concurrent')
  await user.sync({ timeZone: 'Europe/Berlin' })
  const daysAgo = (days: number) => new Date(START - days * 24 * HOUR).toISOString()
  const old = await Promise.all([1, 2, 3, 5].map((days) => user.save({ date: daysAgo(days), duration: 10 })))
  const ids = old.map((response) => response.json<{ id: string }>().id)
  const id = randomUUID()

  const answers = await Promise.all([
    ...[0, 0, 4, 6, 7].map((days) => user.save({ date: daysAgo(days), duration: 100 })),
    ...[1, 2, 3].map(() => user.save({ id, duration: 1000 })),
    user.remove(ids[1] ?? ''),
    user.remove(ids[3] ?? '')
  ])
  t.same(
    answers.map(({ statusCode }) => statusCode).sort(),
    [200, 200, 201, 201, 201, 201, 201, 201, 204, 204]
  )
  const [row] = await query<UserRow & { naive: string; sessions: number }>(
    database.url,
    `SELECT u.*,
       (SELECT sum(duration_seconds) FROM sessions WHERE user_id = u.id) AS naive,
       (SELECT count(*)::int FROM sessions WHERE user_id = u.id) AS sessions
     FROM users u WHERE auth0_id = '${user.sub}'`
  )
  t.equal(row?.total_seconds, row?.naive)
  t.equal(row?.session_count, row?.sessions)
  t.equal(row?.streak_count, 2, 'today and yesterday: the day before was deleted')
  t.match((await user.stats()).json(), { streak: 2 })
})

const insertion = (sub: string, date: string) => `
  INSERT INTO sessions (user_id, song_name, instrument, duration_seconds, date)
  SELECT id, 'x', 'y', 1, '${date}' FROM users WHERE auth0_id = '${sub}'`

t.test('a session in the last hour before a streak joins it after clocks have gone forward', async (t) => {
  const { as, database } = await build(t, { services, now: () => new Date('2026-03-30T08:00:00Z') })
  const zone = { timeZone: 'Europe/Berlin' }
  // 30 March, half past midnight: 24 hours before it was 28 March, half past eleven.
  const streak = ['2026-03-29T10:00:00Z', '2026-03-29T22:30:00Z']
  const joining = '2026-03-28T22:45:00Z'
  for (const isSql of [false, true]) {
    const user = as(`auth0|clocks-${isSql}`)
    await user.sync(zone)
    for (const date of streak) await user.save({ date })
    t.match((await user.stats()).json(), { streak: 2 })
    if (isSql) await query(database.url, insertion(user.sub, joining))
    else await user.save({ date: joining })
    t.match((await user.stats()).json(), { streak: 3 })
  }
})

t.test('a save keeps the streak known, also one of a single day', async (t) => {
  let now = new Date(START)
  const { as, database } = await build(t, { services, now: () => now })
  const user = as('auth0|single-day')
  await user.sync({ timeZone: 'Europe/Berlin' })
  for (let saves = 0; saves < 3; saves++) {
    await user.save()
    const [row] = await query(database.url, `SELECT figures_zone FROM users WHERE auth0_id = '${user.sub}'`)
    t.same(row, { figures_zone: 'Europe/Berlin' })
    now = new Date(now.getTime() + HOUR)
  }
})

t.test('a save counts what SQL inserted while it waited', { skip: needsRealServer }, async (t) => {
  const { as, database } = await build(t, { services, now: () => new Date(START) })
  const user = as('auth0|waiting')
  await user.sync()
  await user.save({ date: new Date(START - 72 * HOUR).toISOString() })
  const client = await connect(t, database.url)
  await client.query('BEGIN')
  await client.query(insertion(user.sub, new Date(START - 24 * HOUR).toISOString()))
  const saved = user.save()
  await untilBlocked(database.url) // the save has taken its snapshot
  await client.query('COMMIT')
  t.equal((await saved).statusCode, 201)
  t.match((await user.stats()).json(), { streak: 2 })
})
