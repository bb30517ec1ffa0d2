import t from 'tap'
import {
  barsOf,
  next,
  periodOf,
  previous,
  titleOf
} from '../../examples/practice-journal/src/progress/periods.ts'

t.test('finds the week, month and year of a day, and those beside it', async (t) => {
  for (const [unit, day, from, to, title] of [
    ['week', '2026-11-25', '2026-11-23', '2026-11-29', /^23\s?[–-]\s?29 November 2026$/],
    ['week', '2027-01-01', '2026-12-28', '2027-01-03', /^28 December 2026.+3 January 2027$/],
    ['week', '2026-11-29', '2026-11-23', '2026-11-29', /November/],
    ['month', '2028-02-10', '2028-02-01', '2028-02-29', 'February 2028'],
    ['year', '2026-11-25', '2026-01-01', '2026-12-31', '2026']
  ] as const) {
    const period = periodOf(unit, day)
    t.same(period, { unit, from, to })
    t.match(titleOf(period), title)
    t.same(previous(next(period)), period)
    t.ok(previous(period).to < from && next(period).from > to)
  }
})

t.test('draws a bar for each day, or in a year for each month', async (t) => {
  const days = [
    { date: '2026-02-01', minutes: 20, sessions: 1 },
    { date: '2026-02-28', minutes: 45, sessions: 2 },
    { date: '2026-12-31', minutes: 5, sessions: 1 }
  ]
  const month = barsOf(periodOf('month', '2026-02-10'), days)
  t.equal(month.length, 28)
  // Engines differ in the comma.
  t.match(month.at(-1), { label: '28', name: /^Saturday,? 28 February 2026$/, minutes: 45, sessions: 2 })
  t.match(month[1], { label: '2', name: /^Monday,? 2 February 2026$/, minutes: 0, sessions: 0 })
  const year = barsOf(periodOf('year', '2026-06-01'), days)
  t.same(
    year.map(({ minutes }) => minutes),
    [0, 65, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]
  )
  t.same(year[1], { label: 'F', name: 'February', minutes: 65, sessions: 3 })
  t.same(
    barsOf(periodOf('week', '2026-11-25'), days).map(({ label }) => label),
    ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
  )
})
