import { memo, useRef, useState } from 'react'
import type { SessionData } from '@harmony-helper/client'
import { formatDuration, timeOfDay } from '../shared/format.ts'
import { ChevronIcon, PauseIcon, PlayIcon, ScoreIcon } from '../shared/icons.tsx'
import { Player, type PlayerControl } from '../player/player.tsx'
import { useJournal } from '../services/journal.ts'
import { SessionDetails } from './session-details.tsx'

type Props = { session: SessionData; onDelete: (session: SessionData) => void }

/** One session of the history: a button that plays it, and one that opens its details. */
export const Entry = memo(function Entry({ session, onDelete }: Props) {
  const { service, recordings } = useJournal()
  const { id, songName } = session
  const [open, setOpen] = useState(false)
  const [playing, setPlaying] = useState(false)
  const [started, setStarted] = useState(false)
  const player = useRef<PlayerControl>(null)
  const recording = session.audio ?? session.audioUrl
  const name = songName || 'Untitled'

  /** Another source of the recording, after the first has failed. */
  async function renew() {
    const kept = () => recordings?.find(id)
    const offline = navigator.onLine ? undefined : await kept()
    if (offline) return offline
    const stored = await service.getSessionById(id).catch(() => undefined)
    const renewed = stored?.audio ?? stored?.audioUrl
    // The same URL would fail again.
    return (renewed === recording && (await kept())) || renewed
  }
  function showPlaying(isPlaying: boolean) {
    setPlaying(isPlaying)
    if (isPlaying && typeof recording === 'string') recordings?.keepFrom(id, recording)
  }
  function play() {
    if (player.current) player.current.toggle()
    else setStarted(true)
  }
  function toggleDetails() {
    setOpen(!open)
    if (open) setStarted(playing) // what plays goes on
  }

  return (
    <li className="entry">
      <div className="line">
        {recording ? (
          <button
            type="button"
            className="round"
            aria-label={`${playing ? 'Pause' : 'Play'} ${name}`}
            onClick={play}
          >
            {playing ? <PauseIcon /> : <PlayIcon />}
          </button>
        ) : (
          <span className="round silent" title="No recording" />
        )}
        <button
          type="button"
          className="row"
          aria-expanded={open}
          aria-controls={`details-${id}`}
          onClick={toggleDetails}
        >
          <Summary session={session} />
          <ChevronIcon />
        </button>
      </div>
      {recording && (open || started) && (
        <Player
          ref={player}
          withButton={false}
          recording={recording}
          label={`Recording of ${name}`}
          autoPlay={started}
          onPlaying={showPlaying}
          renew={renew}
        />
      )}
      <div id={`details-${id}`} hidden={!open}>
        {open && <SessionDetails id={id} onDelete={() => onDelete(session)} />}
      </div>
    </li>
  )
})

const BADGES = { waiting: 'waiting', stopped: 'not sent', delayed: 'not saved', refused: 'not saved' }

function Summary({ session }: { session: SessionData }) {
  const { songName, instrument, date, durationSeconds, pending } = session
  return (
    <>
      <span className="what">
        <span className="song">{songName || 'Untitled'}</span>
        <span className="hint">{instrument}</span>
        {pending && <span className={`badge ${pending}`}>{BADGES[pending]}</span>}
      </span>
      <span className="facts">
        <Marks session={session} />
        <time dateTime={date}>{timeOfDay(date)}</time>
        <span className="length">{formatDuration(durationSeconds)}</span>
      </span>
    </>
  )
}

/** Marks for what a session has besides its recording, as far as the list tells. */
function Marks({ session }: { session: SessionData }) {
  const accuracy = session.scoreAccuracy
  return (
    <>
      {session.xmlContent && (
        <span className="mark" title="Score">
          <ScoreIcon />
          <span className="sr-only">with score</span>
        </span>
      )}
      {accuracy != null && (
        <span className="mark" title="Feedback: accuracy">
          {accuracy} %<span className="sr-only"> accurate, with feedback</span>
        </span>
      )}
    </>
  )
}
