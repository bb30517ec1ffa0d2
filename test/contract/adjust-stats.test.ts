import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { adjustStats } from '../../src/contract/adjust-stats.ts'
import { addDays } from '../../src/contract/local-day.ts'
import { summarise, type PracticeDay } from '../../src/contract/practice-days.ts'
import { runsOf } from '../helpers/property-runs.ts'

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
