import t from 'tap'
import type { UserStatsData } from '../../../src/contract/stats.ts'
import { build, startServices, type Caller } from '../../helpers/app.ts'
import { isProblem } from '../../helpers/problem.ts'

let now = new Date()
const at = (time: string) => {
  now = new Date(time)
}
const services = await startServices(t)
const { as } = await build(t, { services, now: () => now })

async function practise(who: Caller, sessions: Record<string, number>) {
  for (const [date, duration] of Object.entries(sessions)) {
    const { statusCode, body } = await who.save({ date, duration })
    if (statusCode !== 201) throw new Error(body)
  }
}

const stats = async (who: Caller, query = '') => (await who.stats(query)).json<UserStatsData>()

const minutes = ({ weekly_progress: week }: UserStatsData) => week.map(({ minutes }) => minutes)
const dates = ({ weekly_progress: week }: UserStatsData) => week.map(({ date }) => date)

t.test('a user who was never synced gets a week of zeros', async (t) => {
  at('2026-11-18T12:00:00Z')
  t.strictSame(await stats(as('auth0|stranger')), {
    weekly_progress: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map((day, i) => ({
      day,
      date: `2026-11-${16 + i}`,
      minutes: 0
    })),
    streak: 0,
    total_minutes: 0
  })
})

t.test('the week runs from Monday to Sunday on any day', async (t) => {
  const clara = as('auth0|week')
  await clara.sync()
  at('2026-11-22T12:00:00Z')
  await practise(clara, {
    '2026-11-15T23:59:59.999Z': 600,
    '2026-11-16T00:00:00Z': 1200,
    '2026-11-18T10:00:00Z': 89,
    '2026-11-18T20:00:00Z': 1,
    '2026-11-22T11:00:00Z': 3600
  })
  const expected = [20, 0, 2, 0, 0, 0, 60]
  t.strictSame(minutes(await stats(clara)), expected, 'on Sunday; seconds are summed before they are rounded')
  at('2026-11-22T23:59:59Z')
  t.strictSame(minutes(await stats(clara)), expected)
  at('2026-11-23T00:00:00Z')
  t.strictSame(minutes(await stats(clara)), [0, 0, 0, 0, 0, 0, 0], 'a new week')
  t.equal((await stats(clara)).weekly_progress[0]?.date, '2026-11-23')
})

t.test('total minutes are the sum of all seconds, rounded once', async (t) => {
  at('2026-11-18T12:00:00Z')
  const clara = as('auth0|total')
  await clara.sync()
  await practise(clara, {
    '1987-06-05T10:00:00Z': 20,
    '2026-11-17T10:00:00Z': 20,
    '2026-11-18T10:00:00Z': 20
  })
  const { total_minutes: total, ...rest } = await stats(clara)
  t.equal(total, 1)
  t.strictSame(
    rest.weekly_progress.map(({ minutes }) => minutes),
    [0, 0, 0, 0, 0, 0, 0]
  )
})

t.test('the streak counts back from today, or from yesterday while today has no practice', async (t) => {
  at('2026-11-20T12:00:00Z')
  const clara = as('auth0|streak')
  await clara.sync()
  await practise(clara, {
    '2026-11-16T12:00:00Z': 60,
    '2026-11-18T23:59:59Z': 60,
    '2026-11-19T00:00:00Z': 60,
    '2026-11-20T08:00:00Z': 0
  })
  t.equal((await stats(clara)).streak, 3)
  at('2026-11-21T23:59:59Z')
  t.equal((await stats(clara)).streak, 3, 'it still counts on the day after')
  at('2026-11-22T00:00:00Z')
  t.equal((await stats(clara)).streak, 0, 'one day later it is 0')
  at('2026-11-20T12:00:00Z')
  await practise(clara, { '2026-11-17T05:00:00Z': 1 })
  t.equal((await stats(clara)).streak, 5, 'a back-dated session closes the gap')
})

t.test('sessions in the future count for the minutes but not for the streak', async (t) => {
  at('2026-11-18T12:00:00Z')
  const clara = as('auth0|future')
  await clara.sync()
  await practise(clara, {
    '2026-11-17T12:00:00Z': 60,
    '2026-11-18T12:00:00.001Z': 120,
    '2026-11-19T12:00:00Z': 180
  })
  t.match(await stats(clara), { streak: 1, total_minutes: 6 })
  t.strictSame(minutes(await stats(clara)), [0, 1, 2, 3, 0, 0, 0])
  at('2026-11-18T12:00:00.001Z')
  t.equal((await stats(clara)).streak, 2)
  at('2026-11-19T12:00:00Z')
  t.equal((await stats(clara)).streak, 3)
})

t.test('days follow the stored time zone, or ?tz= for one answer', async (t) => {
  at('2026-11-18T12:00:00Z')
  const clara = as('auth0|zone')
  await clara.sync({ timeZone: 'Asia/Tokyo' })
  await practise(clara, {
    '2026-11-16T14:59:59Z': 60,
    '2026-11-16T15:00:00Z': 120,
    '2026-11-15T15:00:00Z': 180
  })
  t.match(await stats(clara), { streak: 2 })
  t.strictSame(minutes(await stats(clara)), [4, 2, 0, 0, 0, 0, 0])
  t.strictSame(minutes(await stats(clara, '?tz=UTC')), [3, 0, 0, 0, 0, 0, 0])
  t.equal((await stats(clara, '?tz=UTC')).streak, 0)
  t.strictSame(
    minutes(await stats(clara, '?tz=Pacific%2FHonolulu')),
    [3, 0, 0, 0, 0, 0, 0],
    '05:00 and 04:59:59 on Monday'
  )
  t.strictSame(minutes(await stats(clara)), [4, 2, 0, 0, 0, 0, 0], '?tz= was not stored')
})

t.test('zone names may be in upper or lower case', async (t) => {
  at('2026-11-18T20:00:00Z')
  t.same(
    await stats(as('auth0|stranger'), '?tz=asia/tokyo'),
    await stats(as('auth0|stranger'), '?tz=Asia/Tokyo')
  )
})

t.test('an unknown zone is refused', async (t) => {
  for (const tz of [
    'Mars/Olympus_Mons',
    '%2B01:00',
    '+01:00',
    'UTC%2B1',
    '',
    'Europe',
    'IST',
    '%00',
    'x'.repeat(65),
    '%F0%9F%98%80',
    "UTC'--"
  ]) {
    isProblem(t, await as('auth0|stranger').stats(`?tz=${tz}`), 'invalid_input', 'tz')
  }
  isProblem(t, await as('auth0|stranger').stats('?tz=UTC&tz=UTC'), 'invalid_input', 'tz')
})

t.test('a user without a zone gets DEFAULT_TIME_ZONE', async (t) => {
  at('2026-11-18T12:00:00Z')
  const tokyo = (await build(t, { services, env: { DEFAULT_TIME_ZONE: 'Asia/Tokyo' }, now: () => now })).as(
    'auth0|default'
  )
  await tokyo.sync()
  await practise(tokyo, { '2026-11-17T15:00:00Z': 60 })
  t.strictSame(minutes(await stats(tokyo)), [0, 0, 1, 0, 0, 0, 0])
  t.strictSame(
    minutes(await stats(as('auth0|default'))),
    [0, 1, 0, 0, 0, 0, 0],
    'the same history on a server without it'
  )
  await tokyo.sync({ timeZone: 'UTC' })
  t.strictSame(minutes(await stats(tokyo)), [0, 1, 0, 0, 0, 0, 0], 'a stored zone takes precedence')
})

t.test('days are correct in weeks in which the clocks change', async (t) => {
  t.test('practice is counted on the correct day around a day of 23 hours', async (t) => {
    at('2026-03-29T20:00:00Z')
    const clara = as('auth0|spring')
    await clara.sync({ timeZone: 'Europe/Berlin' })
    await practise(clara, {
      '2026-03-27T22:59:59Z': 60, // Friday, 23:59:59
      '2026-03-28T22:59:59Z': 120, // Saturday, 23:59:59
      '2026-03-28T23:00:00Z': 180, // Sunday, 00:00
      '2026-03-29T21:59:59Z': 240 // Sunday, 23:59:59 in summer time, in the future
    })
    const found = await stats(clara)
    t.strictSame(dates(found), [
      '2026-03-23',
      '2026-03-24',
      '2026-03-25',
      '2026-03-26',
      '2026-03-27',
      '2026-03-28',
      '2026-03-29'
    ])
    t.strictSame(minutes(found), [0, 0, 0, 0, 1, 2, 7])
    t.equal(found.streak, 3)
    at('2026-03-29T22:00:00Z')
    t.equal((await stats(clara)).weekly_progress[0]?.date, '2026-03-30', 'Monday begins at 22:00 UTC')
  })

  t.test('practice is counted on the correct day around a day of 25 hours', async (t) => {
    at('2026-11-01T23:00:00Z')
    const clara = as('auth0|autumn')
    await clara.sync({ timeZone: 'America/New_York' })
    await practise(clara, {
      '2026-11-01T03:59:59Z': 60, // Saturday
      '2026-11-01T04:00:00Z': 120, // Sunday
      '2026-11-01T05:30:00Z': 180, // 01:30 for the first time
      '2026-11-01T06:30:00Z': 240, // 01:30 for the second time
      '2026-11-02T04:59:59Z': 300, // Sunday, 23:59:59 in winter time
      '2026-11-02T05:00:00Z': 360 // Monday
    })
    t.strictSame(minutes(await stats(clara)), [0, 0, 0, 0, 0, 1, 14])
    at('2026-11-02T05:00:00Z')
    t.match(await stats(clara), { streak: 3, total_minutes: 21 })
  })

  t.test('a week that spans two years is one week', async (t) => {
    at('2027-01-01T12:00:00Z')
    t.strictSame(dates(await stats(as('auth0|stranger'))), [
      '2026-12-28',
      '2026-12-29',
      '2026-12-30',
      '2026-12-31',
      '2027-01-01',
      '2027-01-02',
      '2027-01-03'
    ])
  })
})

t.test('practice of other users does not count', async (t) => {
  at('2026-11-18T12:00:00Z')
  const [clara, robert] = [as('auth0|clara'), as('auth0|robert')]
  await Promise.all([clara.sync(), robert.sync()])
  await practise(clara, { '2026-11-18T10:00:00Z': 600 })
  t.match(await stats(robert), { streak: 0, total_minutes: 0 })
})

t.test('zones whose names PostgreSQL reads as abbreviations have summer time', async (t) => {
  at('2026-07-15T22:30:00Z')
  const clara = as('auth0|summer')
  await clara.sync()
  await practise(clara, { '2026-07-15T22:10:00Z': 600 })
  for (const [zone, place] of [
    ['CET', 'Europe/Brussels'],
    ['met', 'Europe/Brussels'],
    ['EET', 'Europe/Athens'],
    ['WET', 'Europe/Lisbon']
  ] as const) {
    t.strictSame(await stats(clara, `?tz=${zone}`), await stats(clara, `?tz=${place}`), zone)
  }
  t.equal(minutes(await stats(clara, '?tz=CET'))[3], 10, 'it is Thursday in Brussels')
})
