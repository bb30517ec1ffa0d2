import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import pg from 'pg'
import t from 'tap'
import type { UserStatsData } from '../../../src/contract/stats.ts'
import { build } from '../../helpers/app.ts'
import { runsOf } from '../../helpers/property-runs.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

let clock = 0
const { as, database } = await build(t, { now: () => new Date(clock) })
const client = new pg.Client(database.url)
await client.connect()
t.teardown(() => client.end())

const stored = async (sub: string) =>
  (await client.query('SELECT streak_count, last_practice_date FROM users WHERE auth0_id = $1', [sub]))
    .rows[0] as unknown

type Session = { id: string; date: number; seconds: number }

/** Time passes, then one action follows. Minutes count back from the clock's time (negative: ahead of it). */
type Event =
  | { kind: 'save'; wait: number; ago: number; seconds: number }
  | { kind: 'delete'; wait: number; which: number }

// Not Intl's numeric parts, which the code under test uses.
const localDay = (instant: number, timeZone: string) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(instant)

/** A naive count, day by day, as with a paper calendar. */
function count(sessions: Session[], timeZone: string, now: number): UserStatsData {
  const today = localDay(now, timeZone)
  const seconds = (day: string) =>
    sessions
      .filter(({ date }) => localDay(date, timeZone) === day)
      .reduce((sum, session) => sum + session.seconds, 0)
  const practised = (day: string) =>
    sessions.some(({ date }) => date <= now && localDay(date, timeZone) === day)
  const shift = (day: string, days: number) => localDay(Date.parse(`${day}T12:00:00Z`) + days * DAY, 'UTC')

  let streak = 0
  for (let day = practised(today) ? today : shift(today, -1); practised(day); day = shift(day, -1)) streak++

  const names = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
  let monday = today
  while (names[new Date(monday).getUTCDay()] !== 'Mon') monday = shift(monday, -1)
  const week = [0, 1, 2, 3, 4, 5, 6].map((days) => shift(monday, days))

  return {
    weekly_progress: week.map((date) => ({
      day: names[new Date(date).getUTCDay()] ?? '',
      date,
      minutes: Math.round(seconds(date) / 60)
    })),
    streak,
    total_minutes: Math.round(sessions.reduce((sum, session) => sum + session.seconds, 0) / 60)
  }
}

const zones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Australia/Lord_Howe'
)

/** Days near clock changes in these zones, and one ordinary day. */
const starts = fc.constantFrom(
  '2026-03-06T20:00:00Z',
  '2026-03-27T08:00:00Z',
  '2026-10-23T22:30:00Z',
  '2026-10-30T12:00:00Z',
  '2026-06-15T12:00:00Z',
  '2026-12-29T23:00:00Z'
)

const wait = fc.oneof(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 60 * 40 }))
const ago = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 60 * 24 * 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: -60 * 47, max: 0 }) }
)
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('save' as const),
        wait,
        ago,
        seconds: fc.integer({ min: 0, max: 4000 })
      })
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), wait, which: fc.nat() }) }
  ),
  { minLength: 1, maxLength: 8 }
)

t.test('after any saves, back-dated saves and deletions, stats and table equal a naive count', async (t) => {
  await fc.assert(
    fc.asyncProperty(zones, zones, starts, events, async (timeZone, other, start, events) => {
      clock = Date.parse(start)
      const who = as(`auth0|${randomUUID()}`)
      t.equal((await who.sync({ timeZone })).statusCode, 201)
      const sessions: Session[] = []

      for (const event of events) {
        clock += event.wait * MINUTE
        await happen(event)
        const expected = count(sessions, timeZone, clock)
        t.strictSame((await who.stats()).json(), expected)
        await tableHolds(expected.streak)
      }
      t.strictSame((await who.stats(`?tz=${other}`)).json(), count(sessions, other, clock))
      await who.sync({ timeZone: other })
      await tableHolds(count(sessions, other, clock).streak)
      return t.passing()

      async function happen(event: Event) {
        if (event.kind === 'save') {
          const date = clock - event.ago * MINUTE
          const response = await who.save({ date: new Date(date).toISOString(), duration: event.seconds })
          t.equal(response.statusCode, 201)
          sessions.push({ id: response.json<{ id: string }>().id, date, seconds: event.seconds })
        } else if (sessions.length > 0) {
          const [session] = sessions.splice(event.which % sessions.length, 1)
          t.equal((await who.remove(session?.id ?? '')).statusCode, 204)
        } else {
          await who.sync()
        }
      }

      async function tableHolds(streak: number) {
        const past = sessions.map(({ date }) => date).filter((date) => date <= clock)
        t.strictSame(await stored(who.sub), {
          streak_count: streak,
          last_practice_date: past.length > 0 ? new Date(Math.max(...past)) : null
        })
      }
    }),
    { numRuns: runsOf(25) }
  )
})

t.test('a session becomes due while another one of the future is deleted', async (t) => {
  clock = Date.parse('2026-11-22T12:00:00Z')
  const who = as('auth0|ahead')
  await who.sync()
  const date = new Date(clock + MINUTE).toISOString()
  await who.save({ date })
  const { id } = (await who.save({ date })).json<{ id: string }>()
  clock += MINUTE
  t.equal((await who.remove(id)).statusCode, 204)
  t.equal((await who.stats()).json<UserStatsData>().streak, 1)
  t.match(await stored(who.sub), { streak_count: 1 })
})

t.test('concurrent saves and deletions leave the correct streak', async (t) => {
  clock = Date.parse('2026-11-22T12:00:00Z')
  const who = as('auth0|busy')
  await who.sync()
  const save = (daysAgo: number) => who.save({ date: new Date(clock - daysAgo * DAY).toISOString() })
  const old = await Promise.all([1, 3, 5].map(save))
  const saves = [0, 2, 4, 6, 7].map(save)
  const deletions = old.slice(1).map((response) => who.remove(response.json<{ id: string }>().id))
  for (const { statusCode } of await Promise.all([...saves, ...deletions])) {
    t.ok(statusCode === 201 || statusCode === 204)
  }
  t.equal((await who.stats()).json<UserStatsData>().streak, 3, 'today, yesterday, the day before')
  t.match(await stored(who.sub), { streak_count: 3 })
})
