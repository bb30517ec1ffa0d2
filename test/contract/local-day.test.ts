import fc from 'fast-check'
import t from 'tap'
import { addDays, isTimeZone, localDay, weekOf } from '../../src/contract/local-day.ts'
import { runsOf } from '../helpers/property-runs.ts'
import { instants, naiveFormatter, zones } from './helpers/instants.ts'

const SECOND = 1000

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

function before(instant: string): Date {
  return new Date(Date.parse(instant) - SECOND)
}
