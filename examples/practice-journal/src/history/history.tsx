import { useCallback, useDeferredValue, useMemo, useRef, useState } from 'react'
import type { SessionData } from '@harmony-helper/client'
import { countSessions, dayName, dayOf, formatDuration, timeZoneName } from '../shared/format.ts'
import { useSessions } from '../services/journal.ts'
import { Entry } from './entry.tsx'
import { Filters } from './filters.tsx'
import { EmptyHistory, LoadingHistory, UnavailableHistory } from './history-states.tsx'
import { EVERYTHING, useFound } from './search.ts'
import { UndoToast } from './undo-toast.tsx'
import { useDeletion } from './use-deletion.ts'
import { useGrowingList } from './use-growing-list.ts'

/** The history: sessions grouped by day, newest first, with search and filters. */
export function History() {
  const history = useSessions((state) => state.history)
  const isLoading = useSessions((state) => state.isLoading)
  const [filter, setFilter] = useState(EVERYTHING)
  const heading = useRef<HTMLHeadingElement>(null)
  // When the element with the focus is gone.
  const focusHeading = useCallback(() => {
    if (document.activeElement === document.body) heading.current?.focus({ preventScroll: true })
  }, [])
  const deletion = useDeletion()

  const { current: deleted, hidden, start: startDeletion } = deletion
  const visible = useMemo(() => history.filter(({ id }) => id !== hidden), [history, hidden])
  const wanted = useDeferredValue(filter)
  const found = useFound(visible, wanted)
  const { shown, end, grow } = useGrowingList(JSON.stringify(wanted))
  const days = useMemo(() => groupByDay(found.slice(0, shown)), [found, shown])
  const filtered = filter.words || filter.instrument || filter.piece

  return (
    <section className="history" aria-labelledby="history-title" aria-busy={isLoading}>
      <div className="heading">
        <h2 id="history-title" ref={heading} tabIndex={-1}>
          Journal
        </h2>
        <Filters history={visible} filter={filter} onChange={setFilter} />
      </div>
      {filtered && <Result found={found} />}
      {visible.length === 0 && !deleted && <NoHistory />}
      {days.map(([day, sessions]) => (
        <Day key={day} day={day} sessions={sessions} onDelete={startDeletion} />
      ))}
      {found.length > shown && (
        <button type="button" ref={end} onClick={grow}>
          Show older sessions
        </button>
      )}
      {visible.length > 0 && <p className="hint">Times are {timeZoneName} time.</p>}
      {deleted && <UndoToast key={deleted.session.id} deletion={deletion} onClosed={focusHeading} />}
    </section>
  )
}

function NoHistory() {
  const stats = useSessions((state) => state.stats)
  const error = useSessions((state) => state.error)
  if (error) return <UnavailableHistory />
  return stats ? <EmptyHistory /> : <LoadingHistory />
}

function Result({ found }: { found: SessionData[] }) {
  return (
    <p className="hint" role="status">
      {countSessions(found.length)} found, {formatDuration(total(found))}.
    </p>
  )
}

type DayProps = { day: string; sessions: SessionData[]; onDelete: (session: SessionData) => void }

function Day({ day, sessions, onDelete }: DayProps) {
  return (
    <section className="day" aria-labelledby={`day-${day}`}>
      <h3 id={`day-${day}`}>
        {dayName(sessions[0]!.date)} <span className="hint">{formatDuration(total(sessions))}</span>
      </h3>
      <ul className="entries">
        {sessions.map((session) => (
          <Entry key={session.id} session={session} onDelete={onDelete} />
        ))}
      </ul>
    </section>
  )
}

function groupByDay(sessions: SessionData[]): [string, SessionData[]][] {
  const days = new Map<string, SessionData[]>()
  for (const session of sessions) {
    const day = dayOf(session.date)
    days.set(day, [...(days.get(day) ?? []), session])
  }
  return [...days]
}

function total(sessions: SessionData[]): number {
  return sessions.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)
}
