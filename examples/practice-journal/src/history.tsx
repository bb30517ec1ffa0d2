import { useEffect, useRef, useState } from 'react'
import type { SessionData } from 'harmony-helper/client'
import { dayName, dayOf, length, timeOfDay, timeZoneName } from './format.ts'
import { ChevronIcon, SearchIcon } from './icons.tsx'
import { Player } from './player.tsx'
import { Score } from './score.tsx'
import { useJournal, useSessions } from './services/journal.ts'

const PAGE = 60
const UNDO_MS = 10_000

/** Everything practised, by day, newest first. */
export function History() {
  const { store } = useJournal()
  const history = useSessions((state) => state.history)
  const isLoading = useSessions((state) => state.isLoading)
  const stats = useSessions((state) => state.stats)
  const error = useSessions((state) => state.error)
  const [search, setSearch] = useState('')
  const [shown, setShown] = useState(PAGE)
  const [deleted, setDeleted] = useState<SessionData>()
  const heading = useRef<HTMLHeadingElement>(null)

  const listed = history.filter(({ id }) => id !== deleted?.id)
  const found = listed.filter((session) => matches(session, search))
  const days = Map.groupBy(found.slice(0, shown), ({ date }) => dayOf(date))

  // Closing the page before the time is over keeps the session: the harmless way round.
  function commit(session: SessionData) {
    setDeleted(undefined)
    store
      .getState()
      .deleteSession(session.id)
      .catch(() => {}) // it is there again, and the notice says why
  }
  function remove(session: SessionData) {
    if (deleted) commit(deleted)
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
      {listed.length === 0 && !deleted && (error ? <Unread /> : stats ? <Empty /> : <Skeleton />)}
      {[...days].map(([day, sessions]) => (
        <section key={day} aria-labelledby={`day-${day}`}>
          <h3 id={`day-${day}`}>
            {dayName(sessions[0]!.date)}{' '}
            <span className="hint">
              {length(sessions.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0))}
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
        <button type="button" onClick={() => setShown(shown + PAGE)}>
          Show older sessions
        </button>
      )}
      {listed.length > 0 && <p className="hint">Times are {timeZoneName} time.</p>}
      {deleted && (
        <Undo
          key={deleted.id}
          session={deleted}
          onCommit={() => commit(deleted)}
          onUndo={() => setDeleted(undefined)}
          onGone={() => heading.current?.focus()}
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
            <span className={`badge ${pending}`}>{pending === 'waiting' ? 'waiting' : 'not accepted'}</span>
          )}
        </span>
        <span className="facts">
          <time dateTime={date}>{timeOfDay(date)}</time>
          <span>{length(durationSeconds)}</span>
        </span>
        <ChevronIcon />
      </button>
      <div id={`details-${id}`} hidden={!open}>
        {open && <Details id={id} onDelete={onDelete} />}
      </div>
    </li>
  )
}

function Details({ id, onDelete }: { id: string; onDelete: () => void }) {
  const { service } = useJournal()
  const [session, setSession] = useState<SessionData | null>()
  const [problem, setProblem] = useState('')
  const [scoreShown, setScoreShown] = useState(false)
  const [attempt, setAttempt] = useState(1)

  useEffect(() => {
    const stop = new AbortController()
    setProblem('')
    service.getSessionById(id, stop).then(setSession, (error) => {
      if (!stop.signal.aborted) setProblem(error.message)
    })
    return () => stop.abort()
  }, [service, id, attempt])

  if (session === undefined) {
    return (
      <div className="details">
        <p role="status" className={problem ? 'problem' : 'hint'}>
          {problem || 'Loading…'}
        </p>
        {problem && (
          <div className="actions">
            <button type="button" onClick={() => setAttempt(attempt + 1)}>
              Try again
            </button>
          </div>
        )}
      </div>
    )
  }
  if (session === null) {
    return (
      <div className="details">
        <p role="status" className="hint">
          This session was deleted elsewhere.
        </p>
      </div>
    )
  }

  const { songName, xmlContent, analysis } = session
  const recording = session.audio ?? session.audioUrl
  const renew = async () => (await service.getSessionById(id))?.audioUrl
  return (
    <div className="details">
      {recording ? (
        <Player recording={recording} label={`Recording of ${songName}`} renew={renew} />
      ) : (
        <p className="hint">Without a recording.</p>
      )}
      {analysis && (
        <div className="feedback">
          {analysis.scoreAccuracy !== null && (
            <p className="accuracy">
              {analysis.scoreAccuracy}
              <span> % accurate</span>
            </p>
          )}
          {analysis.summary && (
            <p>
              <strong>{analysis.summary}</strong>
            </p>
          )}
          {analysis.feedback && <p>{analysis.feedback}</p>}
        </div>
      )}
      <div className="actions">
        {xmlContent && (
          <button type="button" aria-expanded={scoreShown} onClick={() => setScoreShown(!scoreShown)}>
            {scoreShown ? 'Hide score' : 'Show score'}
          </button>
        )}
        {xmlContent && (
          <button
            type="button"
            onClick={() =>
              download(
                new Blob([xmlContent], { type: 'application/vnd.recordare.musicxml+xml' }),
                `${songName}.musicxml`
              )
            }
          >
            Download score
          </button>
        )}
        {recording && (
          <button
            type="button"
            onClick={() =>
              fetchRecording(recording, renew).then(
                (blob) => download(blob, `${songName}.${extension(blob)}`),
                () => setProblem('The recording cannot be fetched right now.')
              )
            }
          >
            Download recording
          </button>
        )}
        <button type="button" className="danger" onClick={onDelete}>
          Delete
        </button>
      </div>
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      {scoreShown && xmlContent && <Score xml={xmlContent} title={songName} />}
    </div>
  )
}

/** Deleting happens when the time is over, or at once when somebody closes this. */
function Undo({
  session,
  onCommit,
  onUndo,
  onGone
}: {
  session: SessionData
  onCommit: () => void
  onUndo: () => void
  onGone: () => void
}) {
  const undo = useRef<HTMLButtonElement>(null)
  const acts = useRef({ onCommit, onGone })
  acts.current = { onCommit, onGone }
  useEffect(() => {
    undo.current?.focus()
    const timer = setTimeout(() => acts.current.onCommit(), UNDO_MS)
    return () => {
      clearTimeout(timer)
      acts.current.onGone()
    }
  }, [])
  return (
    <div className="toast" role="status">
      <span>Deleted “{session.songName}”.</span>
      <button type="button" ref={undo} onClick={onUndo}>
        Undo
      </button>
      <button type="button" onClick={onCommit}>
        Close
      </button>
    </div>
  )
}

function Empty() {
  return (
    <div className="empty">
      <div className="rest" aria-hidden="true" />
      <p>
        <strong>The first bar is yours.</strong>
      </p>
      <p className="hint">Press Record and play for a minute. It appears here, to be heard again.</p>
    </div>
  )
}

function Unread() {
  return (
    <div className="empty">
      <div className="rest" aria-hidden="true" />
      <p>
        <strong>Your journal could not be opened.</strong>
      </p>
      <p className="hint">
        Nothing is lost. You can record all the same; your sessions appear here once they can be read.
      </p>
    </div>
  )
}

function Skeleton() {
  return (
    <div className="skeleton" role="status">
      <span className="sr-only">Loading your journal…</span>
      <i />
      <i />
      <i />
    </div>
  )
}

/** Every word must be somewhere in the piece or the instrument. */
function matches({ songName, instrument }: SessionData, search: string): boolean {
  const text = plain(`${songName} ${instrument}`)
  return plain(search)
    .split(/\s+/)
    .every((word) => text.includes(word))
}

// So that "etude" finds "Étude".
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

async function fetchRecording(
  recording: Blob | string,
  renew: () => Promise<string | null | undefined>
): Promise<Blob> {
  if (typeof recording !== 'string') return recording
  const response = await fetch(recording)
  if (response.ok) return response.blob()
  const renewed = await fetch((await renew()) ?? recording)
  if (!renewed.ok) throw new Error(`${renewed.status}`)
  return renewed.blob()
}

function extension({ type }: Blob): string {
  const [, kind = 'webm'] = /^(?:audio|video)\/(?:x-)?(\w+)/.exec(type) ?? []
  return { mp4: 'm4a', mpeg: 'mp3' }[kind] ?? kind
}

function download(blob: Blob, name: string) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
