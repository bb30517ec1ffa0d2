import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { runsOf } from '../helpers/property-runs.ts'
import {
  addDays,
  adjustStats,
  countStreak,
  isTimeZone,
  localDay,
  practiceDays,
  summarise,
  weekOf,
  type PracticeDay
} from '../../src/contract/practice-days.ts'

const SECOND = 1000
const HOUR = 3_600_000

/** Days with their first instant and the first instant after them, looked up in the tz database. */
const DAY_BOUNDARIES = [
  [
    'Berlin loses an hour in spring',
    'Europe/Berlin',
    '2026-03-29',
    '2026-03-28T23:00:00Z',
    '2026-03-29T22:00:00Z'
  ],
  [
    'Berlin gains an hour in autumn',
    'Europe/Berlin',
    '2026-10-25',
    '2026-10-24T22:00:00Z',
    '2026-10-25T23:00:00Z'
  ],
  [
    'New York loses an hour in spring',
    'America/New_York',
    '2026-03-08',
    '2026-03-08T05:00:00Z',
    '2026-03-09T04:00:00Z'
  ],
  [
    'New York gains an hour in autumn',
    'America/New_York',
    '2026-11-01',
    '2026-11-01T04:00:00Z',
    '2026-11-02T05:00:00Z'
  ],
  [
    'Lord Howe gains half an hour',
    'Australia/Lord_Howe',
    '2026-04-05',
    '2026-04-04T13:00:00Z',
    '2026-04-05T13:30:00Z'
  ],
  [
    'Lord Howe loses half an hour',
    'Australia/Lord_Howe',
    '2026-10-04',
    '2026-10-03T13:30:00Z',
    '2026-10-04T13:00:00Z'
  ],
  [
    'Havana has no midnight in spring',
    'America/Havana',
    '2026-03-08',
    '2026-03-08T05:00:00Z',
    '2026-03-09T04:00:00Z'
  ],
  [
    'Havana has midnight twice in autumn',
    'America/Havana',
    '2026-11-01',
    '2026-11-01T04:00:00Z',
    '2026-11-02T05:00:00Z'
  ],
  [
    'Beirut has no midnight in spring',
    'Asia/Beirut',
    '2022-03-27',
    '2022-03-26T22:00:00Z',
    '2022-03-27T21:00:00Z'
  ],
  [
    'Beirut repeats its last hour in autumn',
    'Asia/Beirut',
    '2022-10-29',
    '2022-10-28T21:00:00Z',
    '2022-10-29T22:00:00Z'
  ],
  [
    'São Paulo repeats its last hour',
    'America/Sao_Paulo',
    '2018-02-17',
    '2018-02-17T02:00:00Z',
    '2018-02-18T03:00:00Z'
  ],
  [
    'São Paulo has no midnight',
    'America/Sao_Paulo',
    '2018-11-04',
    '2018-11-04T03:00:00Z',
    '2018-11-05T02:00:00Z'
  ],
  [
    'Samoa skips the 30th: its 29th ends when its 31st begins',
    'Pacific/Apia',
    '2011-12-29',
    '2011-12-29T10:00:00Z',
    '2011-12-30T10:00:00Z'
  ],
  [
    'Samoa has the 31st directly after the 29th',
    'Pacific/Apia',
    '2011-12-31',
    '2011-12-30T10:00:00Z',
    '2011-12-31T10:00:00Z'
  ],
  [
    'Kiritimati is 14 hours ahead of UTC',
    'Pacific/Kiritimati',
    '2027-01-01',
    '2026-12-31T10:00:00Z',
    '2027-01-01T10:00:00Z'
  ],
  [
    'Kathmandu is 5 hours and 45 minutes ahead of UTC',
    'Asia/Kathmandu',
    '2026-11-22',
    '2026-11-21T18:15:00Z',
    '2026-11-22T18:15:00Z'
  ],
  [
    'the last day of the year ends in Berlin an hour before it ends in UTC',
    'Europe/Berlin',
    '2026-12-31',
    '2026-12-30T23:00:00Z',
    '2026-12-31T23:00:00Z'
  ],
  [
    'New York has a leap day of 24 hours',
    'America/New_York',
    '2028-02-29',
    '2028-02-29T05:00:00Z',
    '2028-03-01T05:00:00Z'
  ],
  [
    'Monrovia was 44 minutes and 30 seconds behind UTC until 1972',
    'Africa/Monrovia',
    '1970-01-01',
    '1970-01-01T00:44:30Z',
    '1970-01-02T00:44:30Z'
  ]
] as const

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Havana',
  'Asia/Beirut',
  'America/Sao_Paulo',
  'America/St_Johns',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'Asia/Kathmandu',
  'Etc/GMT+12'
]

t.test('localDay', async (t) => {
  for (const [sentence, zone, day, first, next] of DAY_BOUNDARIES) {
    t.test(sentence, async (t) => {
      t.not(localDay(before(first), zone), day, 'the second before belongs to the day before')
      t.equal(localDay(new Date(first), zone), day)
      t.equal(localDay(before(next), zone), day)
      t.not(localDay(new Date(next), zone), day, 'this instant belongs to the next day')
    })
  }

  t.test('follows a clock that is put back across midnight', async (t) => {
    const at = (time: string): string => localDay(new Date(`2010-11-07T${time}Z`), 'America/St_Johns')
    t.equal(at('02:29:59'), '2010-11-06')
    t.equal(at('02:30:00'), '2010-11-07')
    t.equal(at('02:31:00'), '2010-11-06', 'at 00:01 it became 23:01 again')
    t.equal(at('03:30:00'), '2010-11-07')
  })

  t.test('writes every year as ISO 8601 does', async (t) => {
    const day = (instant: string): string => localDay(new Date(instant), 'UTC')
    t.equal(day('0987-06-05T12:00:00Z'), '0987-06-05')
    t.equal(day('0099-12-31T12:00:00Z'), '0099-12-31')
    t.equal(day('0000-02-29T12:00:00Z'), '0000-02-29', '1 BC is the year 0 in ISO 8601')
    t.equal(day('-000001-05-05T12:00:00Z'), '-000001-05-05')
    t.equal(day('+012345-01-01T12:00:00Z'), '+012345-01-01')
    t.equal(localDay(new Date('9999-12-31T12:00:00Z'), 'Pacific/Kiritimati'), '+010000-01-01')
  })

  t.test('refuses an invalid date and an unknown zone', async (t) => {
    t.throws(() => localDay(new Date('yesterday'), 'UTC'), RangeError)
    t.throws(() => localDay(new Date(), 'Europe/Atlantis'), RangeError)
  })

  t.test('agrees with a fresh Intl formatter at any time in any zone', async () => {
    fc.assert(
      fc.property(
        instants(),
        zones(),
        (instant, zone) => localDay(instant, zone) === naiveFormatter(zone).format(instant)
      ),
      { numRuns: runsOf(300) }
    )
  })
})

t.test('addDays', async (t) => {
  t.test('crosses months, years and leap days', async (t) => {
    t.equal(addDays('2026-11-22', 0), '2026-11-22')
    t.equal(addDays('2026-12-31', 1), '2027-01-01')
    t.equal(addDays('2027-01-01', -1), '2026-12-31')
    t.equal(addDays('2028-02-28', 1), '2028-02-29')
    t.equal(addDays('2100-02-28', 1), '2100-03-01', '2100 is no leap year')
    t.equal(addDays('2026-03-28', 2), '2026-03-30', 'clock changes do not matter')
    t.equal(addDays('9999-12-31', 1), '+010000-01-01')
    t.equal(addDays('+010000-01-01', -1), '9999-12-31')
  })

  t.test('is inverted by the same number of days, negated', async () => {
    fc.assert(
      fc.property(instants(), fc.integer({ min: -20_000, max: 20_000 }), (instant, count) => {
        const day = localDay(instant, 'UTC')
        return addDays(addDays(day, count), -count) === day
      })
    )
  })
})

t.test('weekOf', async (t) => {
  t.test('runs from Monday to Sunday, whichever day is given', async (t) => {
    const week = ['16', '17', '18', '19', '20', '21', '22'].map((day) => `2026-11-${day}`)
    for (const day of week) t.same(weekOf(day), week, day)
    t.equal(weekOf('2026-11-23')[0], '2026-11-23')
  })

  t.test('crosses a year end and a leap day', async (t) => {
    t.same(weekOf('2027-01-01'), [
      '2026-12-28',
      '2026-12-29',
      '2026-12-30',
      '2026-12-31',
      '2027-01-01',
      '2027-01-02',
      '2027-01-03'
    ])
    t.ok(weekOf('2028-03-01').includes('2028-02-29'))
  })

  t.test('contains its day and begins on a Monday', async () => {
    fc.assert(
      fc.property(instants(), (instant) => {
        const week = weekOf(localDay(instant, 'UTC'))
        return (
          week.length === 7 &&
          week.includes(localDay(instant, 'UTC')) &&
          new Date(`${week[0]}T12:00Z`).getUTCDay() === 1
        )
      })
    )
  })
})

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

t.test('adjustStats', async (t) => {
  const today = '2026-11-22'
  const practised = (day: string, seconds = 600): PracticeDay => ({ day, seconds, practised: true })

  t.test('counts what waits as if the server had counted it', async () => {
    fc.assert(
      fc.property(days(), days(), days(), (kept, removed, added) => {
        const before = [...kept, ...removed]
        const after = [...kept, ...added]
        assert.deepEqual(
          adjustStats(summarise(before, today), { before, after }, today),
          summarise(after, today)
        )
      }),
      { numRuns: runsOf(2_500) }
    )
  })

  t.test('of a history that is known in part, is at most one minute wrong', async () => {
    fc.assert(
      fc.property(days(), days(), days(), (known, unknown, added) => {
        const adjusted = adjustStats(
          summarise([...known, ...unknown], today),
          { before: known, after: [...known, ...added] },
          today
        )
        const actual = summarise([...known, ...unknown, ...added], today)
        const minutes = (stats: typeof actual) => [
          stats.total_minutes,
          ...stats.weekly_progress.map((day) => day.minutes)
        ]
        minutes(adjusted).forEach((value, index) => {
          assert.ok(Math.abs(value - minutes(actual)[index]!) <= 1)
        })
        assert.ok(adjusted.streak >= summarise([...known, ...added], today).streak)
      }),
      { numRuns: runsOf(2_500) }
    )
  })

  t.test('continues a streak that only the server knows', async (t) => {
    const server = { ...summarise([], today), streak: 5 }
    const streak = (before: PracticeDay[], after: PracticeDay[], stats = server) =>
      adjustStats(stats, { before, after }, today).streak
    t.equal(streak([], []), 5)
    t.equal(streak([], [practised(today)]), 6)
    t.equal(streak([practised(today)], [practised(today), practised('2026-11-21')]), 5)
    const withToday = { ...summarise([practised(today)], today), streak: 5 }
    t.equal(streak([], [practised(today)], withToday), 5, 'it has counted today')
    t.equal(streak([], [practised('2026-11-17')], withToday), 6, 'a gap is filled')
  })

  t.test('never shows less than no minutes', async (t) => {
    const adjusted = adjustStats(summarise([], today), { before: [practised(today)], after: [] }, today)
    t.equal(adjusted.total_minutes, 0)
    t.equal(adjusted.weekly_progress.at(-1)?.minutes, 0)
  })

  /** Days around `today`, some of them more than once and some without practice yet. */
  function days(): fc.Arbitrary<PracticeDay[]> {
    return fc.array(
      fc.record({
        day: fc.integer({ min: -12, max: 3 }).map((distance) => addDays(today, distance)),
        seconds: fc.integer({ min: 0, max: 5_000 }),
        practised: fc.boolean()
      }),
      { maxLength: 12 }
    )
  }
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

t.test('isTimeZone', async (t) => {
  t.test('accepts IANA names in any case', async (t) => {
    for (const name of [
      'Europe/Berlin',
      'UTC',
      'Etc/GMT+3',
      'America/Argentina/Buenos_Aires',
      'Asia/Kolkata',
      'Asia/Calcutta',
      'Etc/UTC',
      'GMT',
      'EST',
      'EST5EDT',
      'GB',
      'W-SU',
      'europe/berlin'
    ]) {
      t.ok(isTimeZone(name), name)
    }
  })

  t.test('refuses offsets', async (t) => {
    for (const name of ['+01:00', '-0330', '+01', 'UTC+3', 'UTC-03:00', 'Z', '−05:00']) {
      t.notOk(isTimeZone(name), name)
    }
  })

  t.test('refuses names that are not a zone', async (t) => {
    for (const name of [
      '',
      ' ',
      'Europe',
      'Europe/Atlantis',
      ' UTC',
      'UTC\n',
      'UTC\0',
      'Local',
      '__proto__',
      'x'.repeat(10_000)
    ]) {
      t.notOk(isTimeZone(name), JSON.stringify(name.slice(0, 20)))
    }
  })

  t.test('refuses the abbreviations that Intl knows and IANA does not', async (t) => {
    for (const name of ['PST', 'IST', 'CST', 'bst', 'SystemV/PST8PDT']) t.notOk(isTimeZone(name), name)
  })
})

type Session = { date: Date; durationSeconds: number }

function before(instant: string): Date {
  return new Date(Date.parse(instant) - SECOND)
}

function practised(day: string, seconds: number): PracticeDay {
  return { day, seconds, practised: true }
}

function minutesOf(stats: ReturnType<typeof summarise>): number[] {
  return stats.weekly_progress.map(({ minutes }) => minutes)
}

function zones(): fc.Arbitrary<string> {
  return fc.constantFrom(...ZONES)
}

function instants(): fc.Arbitrary<Date> {
  return fc.date({
    min: new Date('1900-01-01T00:00:00Z'),
    max: new Date('2100-01-01T00:00:00Z'),
    noInvalidDate: true
  })
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

function naiveFormatter(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
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
