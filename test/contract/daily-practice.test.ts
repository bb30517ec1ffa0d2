import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { runsOf } from '../helpers/property-runs.ts'
import { adjustDays, dailyPractice, faultOfRange, MAX_DAYS } from '../../src/contract/daily-practice.ts'
import { addDays } from '../../src/contract/local-day.ts'

t.test('a range needs two real days in order, at most 1,100 days apart', async (t) => {
  const from = '2024-02-29'
  const last = addDays(from, MAX_DAYS - 1)
  for (const [range, path] of [
    [{ from, to: from }, undefined],
    [{ from, to: last }, undefined],
    [{ from: '9999-12-31', to: '9999-12-31' }, undefined],
    [{ from: '0001-01-01', to: '0001-12-31' }, undefined],
    [{ from, to: addDays(last, 1) }, 'to'],
    [{ from, to: '2024-02-28' }, 'to'],
    [{ from: '2026-02-29', to: '2026-03-01' }, 'from'],
    [{ from, to: '2024-02-30' }, 'to'],
    [{ from, to: '2024-13-01' }, 'to'],
    [{ from, to: '2024-3-1' }, 'to'],
    [{ from: '0000-01-01', to: '0000-01-02' }, 'from'],
    [{ from: '', to: '' }, 'from'],
    [{ from: '2024-02-29T00:00:00Z', to: last }, 'from'],
    [{ from: '+012024-01-01', to: '+012024-01-02' }, 'from']
  ] as const) {
    t.equal(faultOfRange(range)?.path, path, JSON.stringify(range))
  }
})

t.test('seconds of a local day are summed and then rounded', async (t) => {
  const at = (date: string, durationSeconds: number) => ({ date: new Date(date), durationSeconds })
  const sessions = [
    at('2026-03-02T23:00:00Z', 50), // 3 March in Berlin
    at('2026-03-01T12:00:00Z', 10),
    at('2026-03-01T13:00:00Z', 20),
    at('2026-02-28T22:59:59Z', 600),
    at('+012026-03-01T00:00:00Z', 600)
  ]
  t.strictSame(dailyPractice(sessions, 'Europe/Berlin', { from: '2026-03-01', to: '2026-03-03' }), [
    { date: '2026-03-01', minutes: 1, sessions: 2 },
    { date: '2026-03-03', minutes: 1, sessions: 1 }
  ])
})

t.test('days are adjusted to what the changed history gives', async () => {
  const range = { from: '2026-03-01', to: '2026-03-10' }
  const count = (sessions: Session[]) => dailyPractice(sessions, 'Europe/Berlin', range)
  type Session = { date: Date; durationSeconds: number }
  const sessions: fc.Arbitrary<Session[]> = fc.array(
    fc.record({
      date: fc.integer({ min: -30, max: 270 }).map((hours) => new Date(Date.UTC(2026, 2, 1, hours))),
      durationSeconds: fc.integer({ min: 0, max: 5_000 })
    }),
    { maxLength: 12 }
  )
  fc.assert(
    fc.property(sessions, sessions, sessions, (kept, removed, added) => {
      const [before, after] = [count([...kept, ...removed]), count([...kept, ...added])]
      assert.deepEqual(adjustDays(before, { before, after }), after)
    }),
    { numRuns: runsOf(2_500) }
  )
})
