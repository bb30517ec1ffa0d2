import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { localDay } from '../../src/contract/local-day.ts'
import { countStreak, practiceDays, summarise, type PracticeDay } from '../../src/contract/practice-days.ts'
import { runsOf } from '../helpers/property-runs.ts'
import { instants, naiveFormatter, zones } from './helpers/instants.ts'

const HOUR = 3_600_000

t.test('countStreak', async (t) => {
  const today = '2026-11-22'

  t.test('is 0 without history', async (t) => t.equal(countStreak([], today), 0))

  t.test('counts back from today', async (t) => {
    t.equal(countStreak(['2026-11-22'], today), 1)
    t.equal(countStreak(['2026-11-20', '2026-11-21', '2026-11-22'], today), 3)
  })

  t.test('counts back from yesterday while today has no practice', async (t) => {
    t.equal(countStreak(['2026-11-20', '2026-11-21'], today), 2)
  })

  t.test('is 0 after a whole day without practice', async (t) => {
    t.equal(countStreak(['2026-11-19', '2026-11-20'], today), 0)
  })

  t.test('stops at the first gap', async (t) => {
    t.equal(countStreak(['2026-11-22', '2026-11-21', '2026-11-19', '2026-11-18'], today), 2)
  })

  t.test('accepts duplicates, any order and any iterable', async (t) => {
    t.equal(countStreak(['2026-11-21', '2026-11-22', '2026-11-20', '2026-11-21'].values(), today), 3)
  })

  t.test('does not count the days after today', async (t) => {
    t.equal(countStreak(['2026-11-24', '2026-11-23', '2026-11-22'], today), 1)
    t.equal(countStreak(['2026-11-24', '2026-11-23'], today), 0)
  })

  t.test('continues over a year end and a leap day', async (t) => {
    t.equal(countStreak(['2026-12-30', '2026-12-31', '2027-01-01'], '2027-01-01'), 3)
    t.equal(countStreak(['2028-02-28', '2028-02-29', '2028-03-01'], '2028-03-01'), 3)
    t.equal(countStreak(['2027-02-28', '2027-03-01'], '2027-03-01'), 2)
  })

  t.test('treats the date that Samoa skipped as a day without practice', async (t) => {
    t.equal(countStreak(['2011-12-29', '2011-12-31'], '2011-12-31'), 1)
  })
})

t.test('summarise', async (t) => {
  t.test('answers zeros for an empty history', async (t) => {
    t.same(summarise([], '2026-11-22'), {
      weekly_progress: [
        { day: 'Mon', date: '2026-11-16', minutes: 0 },
        { day: 'Tue', date: '2026-11-17', minutes: 0 },
        { day: 'Wed', date: '2026-11-18', minutes: 0 },
        { day: 'Thu', date: '2026-11-19', minutes: 0 },
        { day: 'Fri', date: '2026-11-20', minutes: 0 },
        { day: 'Sat', date: '2026-11-21', minutes: 0 },
        { day: 'Sun', date: '2026-11-22', minutes: 0 }
      ],
      streak: 0,
      total_minutes: 0
    })
  })

  t.test('lists this week only, and counts everything in the total', async (t) => {
    const stats = summarise(
      [practised('2026-11-15', 600), practised('2026-11-16', 1200), practised('2026-11-23', 60)],
      '2026-11-22'
    )
    t.same(minutesOf(stats), [20, 0, 0, 0, 0, 0, 0])
    t.equal(stats.total_minutes, 31)
  })

  t.test('rounds sums, not their parts', async (t) => {
    const stats = summarise(
      [practised('2026-11-16', 29), practised('2026-11-17', 30), practised('2026-11-18', 89)],
      '2026-11-22'
    )
    t.same(minutesOf(stats), [0, 1, 1, 0, 0, 0, 0])
    t.equal(stats.total_minutes, 2, '148 seconds are 2 minutes and 28 seconds')
  })

  t.test('adds up a day that is given more than once, from any iterable', async (t) => {
    const stats = summarise([practised('2026-11-22', 20), practised('2026-11-22', 20)].values(), '2026-11-22')
    t.equal(minutesOf(stats)[6], 1)
    t.equal(stats.streak, 1)
  })

  t.test('counts a day for the streak even when its sessions lasted 0 seconds', async (t) => {
    t.equal(summarise([practised('2026-11-22', 0)], '2026-11-22').streak, 1)
  })

  t.test('counts the minutes of a session later today, but not for the streak', async (t) => {
    const later = { day: '2026-11-22', seconds: 600, practised: false }
    const stats = summarise([practised('2026-11-21', 60), later], '2026-11-22')
    t.same(minutesOf(stats), [0, 0, 0, 0, 0, 1, 10])
    t.equal(stats.streak, 1)
    t.equal(stats.total_minutes, 11)
  })
})

t.test('practiceDays', async (t) => {
  const now = new Date('2026-11-22T12:00:00Z')
  const session = (date: string, durationSeconds: number): Session => ({
    date: new Date(date),
    durationSeconds
  })

  t.test('is empty without sessions', async (t) => t.same(practiceDays([], 'UTC', now), []))

  t.test('groups sessions by the day in the given zone', async (t) => {
    const sessions = [
      session('2026-11-21T22:59:59Z', 40),
      session('2026-11-21T23:00:00Z', 20),
      session('2026-11-22T08:00:00Z', 10)
    ]
    t.same(practiceDays(sessions, 'Europe/Berlin', now), [
      practised('2026-11-21', 40),
      practised('2026-11-22', 30)
    ])
    t.same(practiceDays(sessions, 'UTC', now), [practised('2026-11-21', 60), practised('2026-11-22', 10)])
  })

  t.test('does not mark a day as practised before its first session has begun', async (t) => {
    const later = session('2026-11-22T12:00:00.001Z', 60)
    t.same(practiceDays([later], 'UTC', now), [{ day: '2026-11-22', seconds: 60, practised: false }])
    t.same(practiceDays([later, session('2026-11-22T12:00:00Z', 5)], 'UTC', now), [
      practised('2026-11-22', 65)
    ])
  })

  t.test('gives the same stats as a naive count, for any history in any zone', async (t) => {
    fc.assert(
      fc.property(instants(), histories(), zones(), (instant, history, zone) => {
        const sessions = history.map(({ hours, durationSeconds }) => ({
          date: new Date(instant.getTime() + hours * HOUR),
          durationSeconds
        }))
        const stats = summarise(practiceDays(sessions, zone, instant), localDay(instant, zone))
        assert.deepEqual(
          { minutes: minutesOf(stats), streak: stats.streak, total: stats.total_minutes },
          naiveStats(sessions, zone, instant)
        )
      }),
      { numRuns: runsOf(300) }
    )
  })
})

type Session = { date: Date; durationSeconds: number }

function practised(day: string, seconds: number): PracticeDay {
  return { day, seconds, practised: true }
}

function minutesOf(stats: ReturnType<typeof summarise>): number[] {
  return stats.weekly_progress.map(({ minutes }) => minutes)
}

/** Three weeks back and two days ahead, dense enough to contain both long streaks and gaps. */
function histories(): fc.Arbitrary<{ hours: number; durationSeconds: number }[]> {
  return fc.array(
    fc.record({
      hours: fc.integer({ min: -21 * 24, max: 48 }),
      durationSeconds: fc.integer({ min: 0, max: 7200 })
    }),
    { maxLength: 80 }
  )
}

/** The contract as literal loops: walks a calendar, and compares formatted local dates. */
function naiveStats(
  sessions: Session[],
  zone: string,
  now: Date
): { minutes: number[]; streak: number; total: number } {
  const formatter = naiveFormatter(zone)
  const dated = sessions.map((session) => ({ ...session, shown: formatter.format(session.date) }))
  const secondsOn = (shown: string): number =>
    dated
      .filter((session) => session.shown === shown)
      .reduce((sum, session) => sum + session.durationSeconds, 0)
  const practisedOn = (shown: string): boolean =>
    dated.some((session) => session.shown === shown && session.date.getTime() <= now.getTime())

  const monday = calendarOf(formatter.format(now))
  while (monday.getUTCDay() !== 1) monday.setUTCDate(monday.getUTCDate() - 1)
  const minutes = []
  for (let index = 0; index < 7; index++) {
    minutes.push(Math.round(secondsOn(shownBy(monday)) / 60))
    monday.setUTCDate(monday.getUTCDate() + 1)
  }

  const cursor = calendarOf(formatter.format(now))
  let streak = 0
  if (!practisedOn(shownBy(cursor))) cursor.setUTCDate(cursor.getUTCDate() - 1)
  while (practisedOn(shownBy(cursor))) {
    streak++
    cursor.setUTCDate(cursor.getUTCDate() - 1)
  }
  return {
    minutes,
    streak,
    total: Math.round(sessions.reduce((sum, session) => sum + session.durationSeconds, 0) / 60)
  }
}

function calendarOf(shown: string): Date {
  return new Date(`${shown}T12:00:00Z`)
}

function shownBy(calendar: Date): string {
  return naiveFormatter('UTC').format(calendar)
}
