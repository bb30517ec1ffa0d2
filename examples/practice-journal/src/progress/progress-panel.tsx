import { useState } from 'react'
import { countSessions, dayOf, formatDuration } from '../shared/format.ts'
import { useSessions } from '../services/journal.ts'
import { Choice } from '../history/filters.tsx'
import { useChoices } from '../history/search.ts'
import { AccuracyGraph } from './accuracy-graph.tsx'
import { Basis } from './basis.tsx'
import { HeatMap } from './heat-map.tsx'
import { MinutesGraph } from './minutes-graph.tsx'
import { barsOf, next, periodOf, previous, titleOf, type Period, type Unit } from './periods.ts'
import { accuraciesOf, daysOfPiece } from './piece.ts'
import { usePracticeDays } from './use-practice-days.ts'

const UNITS: Unit[] = ['week', 'month', 'year']

/** The heat map of a year, the minutes of a week, month or year, and the accuracy of a piece. */
export default function ProgressPanel() {
  const today = dayOf(new Date())
  const history = useSessions((state) => state.history)
  const { pieces } = useChoices(history, '')
  const [period, setPeriod] = useState(() => periodOf('month', today))
  const [piece, setPiece] = useState('')
  const year = period.to.slice(0, 4)
  const { days: allDays, problem, reload } = usePracticeDays(year)
  const days = piece ? daysOfPiece(history, piece) : allDays
  const bars = days && barsOf(period, days)
  return (
    <div className="panel">
      <Choice label="Progress of" all="All pieces" options={pieces} value={piece} onChange={setPiece} />
      <Basis />
      {problem && !piece && (
        <div className="actions">
          <p className="problem" role="alert">
            {problem}
          </p>
          <button type="button" onClick={reload}>
            Try again
          </button>
        </div>
      )}
      {days && <HeatMap year={year} days={days} />}
      <Periods period={period} today={today} onChange={setPeriod} />
      {bars && (
        <>
          <p role="status">
            {formatDuration(60 * bars.reduce((sum, { minutes }) => sum + minutes, 0))} in{' '}
            {countSessions(bars.reduce((sum, { sessions }) => sum + sessions, 0))}
          </p>
          <MinutesGraph bars={bars} title={titleOf(period)} />
        </>
      )}
      {piece && <AccuracyGraph piece={piece} accuracies={accuraciesOf(history, piece)} />}
    </div>
  )
}

type PeriodsProps = { period: Period; today: string; onChange: (period: Period) => void }

/** Chooses the unit of time and steps through it. */
function Periods({ period, today, onChange }: PeriodsProps) {
  const { unit, from, to } = period
  // The same day where possible: today, else the start of what was shown.
  const choose = (unit: Unit) => onChange(periodOf(unit, from <= today && today <= to ? today : from))
  return (
    <div className="periods">
      <div role="group" aria-label="Show a" className="units">
        {UNITS.map((name) => (
          <button key={name} type="button" aria-pressed={name === unit} onClick={() => choose(name)}>
            {name}
          </button>
        ))}
      </div>
      <div className="steps">
        <button
          type="button"
          className="round"
          aria-label={`Previous ${unit}`}
          onClick={() => onChange(previous(period))}
        >
          ‹
        </button>
        <h3>{titleOf(period)}</h3>
        <button
          type="button"
          className="round"
          aria-label={`Next ${unit}`}
          aria-disabled={to >= today}
          onClick={() => to < today && onChange(next(period))}
        >
          ›
        </button>
      </div>
    </div>
  )
}
