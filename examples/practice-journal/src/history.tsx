import { useRef, useState } from 'react'
import type { SessionData } from 'harmony-helper/client'
import { dayName, dayOf, formatDuration, timeOfDay, timeZoneName } from './format.ts'
import { ChevronIcon, SearchIcon } from './icons.tsx'
import { EmptyHistory, LoadingHistory, UnavailableHistory } from './history-states.tsx'
import { useJournal, useSessions } from './services/journal.ts'
import { SessionDetails } from './session-details.tsx'
import { UndoToast } from './undo-toast.tsx'

const PAGE_SIZE = 60

/** The history: sessions grouped by day, newest first, with a search. */
export function History() {
  const { store } = useJournal()
  const history = useSessions((state) => state.history)
  const isLoading = useSessions((state) => state.isLoading)
  const stats = useSessions((state) => state.stats)
  const error = useSessions((state) => state.error)
  const [search, setSearch] = useState('')
  const [shown, setShown] = useState(PAGE_SIZE)
  const [deleted, setDeleted] = useState<SessionData>()
  const heading = useRef<HTMLHeadingElement>(null)

  const visible = history.filter(({ id }) => id !== deleted?.id)
  const found = visible.filter((session) => matches(session, search))
  const days = Map.groupBy(found.slice(0, shown), ({ date }) => dayOf(date))

  // Closing the page before the toast ends keeps the session.
  function commitDelete(session: SessionData) {
    setDeleted(undefined)
    store
      .getState()
      .deleteSession(session.id)
      .catch(() => {}) // the session reappears, and the notice shows the error
  }
  function remove(session: SessionData) {
    if (deleted) commitDelete(deleted)
    setDeleted(session)
  }

  return (
    <section className="history" aria-labelledby="history-title" aria-busy={isLoading}>
      <div className="heading">
        <h2 id="history-title" ref={heading} tabIndex={-1}>
          Journal
        </h2>
        <label className="search">
          <SearchIcon />
          <input
            type="search"
            aria-label="Search by piece or instrument"
            placeholder="Piece or instrument"
            value={search}
            onChange={({ target }) => setSearch(target.value)}
          />
        </label>
      </div>
      {search && (
        <p className="hint" role="status">
          {found.length === 1 ? '1 session' : `${found.length} sessions`} found.
        </p>
      )}
      {visible.length === 0 &&
        !deleted &&
        (error ? <UnavailableHistory /> : stats ? <EmptyHistory /> : <LoadingHistory />)}
      {[...days].map(([day, sessions]) => (
        <section key={day} aria-labelledby={`day-${day}`}>
          <h3 id={`day-${day}`}>
            {dayName(sessions[0]!.date)}{' '}
            <span className="hint">
              {formatDuration(sessions.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0))}
            </span>
          </h3>
          <ul className="entries">
            {sessions.map((session) => (
              <Entry key={session.id} session={session} onDelete={() => remove(session)} />
            ))}
          </ul>
        </section>
      ))}
      {found.length > shown && (
        <button type="button" onClick={() => setShown(shown + PAGE_SIZE)}>
          Show older sessions
        </button>
      )}
      {visible.length > 0 && <p className="hint">Times are {timeZoneName} time.</p>}
      {deleted && (
        <UndoToast
          key={deleted.id}
          session={deleted}
          onCommit={() => commitDelete(deleted)}
          onUndo={() => setDeleted(undefined)}
          onClosed={() => heading.current?.focus()}
        />
      )}
    </section>
  )
}

function Entry({ session, onDelete }: { session: SessionData; onDelete: () => void }) {
  const [open, setOpen] = useState(false)
  const { id, songName, instrument, date, durationSeconds, pending } = session
  return (
    <li className="entry">
      <button
        type="button"
        className="row"
        aria-expanded={open}
        aria-controls={`details-${id}`}
        onClick={() => setOpen(!open)}
      >
        <span className="what">
          <span className="song">{songName || 'Untitled'}</span>
          <span className="hint">{instrument}</span>
          {pending && (
            <span className={`badge ${pending}`}>{pending === 'waiting' ? 'waiting' : 'not saved'}</span>
          )}
        </span>
        <span className="facts">
          <time dateTime={date}>{timeOfDay(date)}</time>
          <span>{formatDuration(durationSeconds)}</span>
        </span>
        <ChevronIcon />
      </button>
      <div id={`details-${id}`} hidden={!open}>
        {open && <SessionDetails id={id} onDelete={onDelete} />}
      </div>
    </li>
  )
}

/** Whether each word of the search occurs in the piece or the instrument. */
function matches({ songName, instrument }: SessionData, search: string): boolean {
  const text = normalise(`${songName} ${instrument}`)
  return normalise(search)
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** Lower case without accents, so that "etude" finds "Étude". */
function normalise(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
