import { forwardRef, useImperativeHandle, type CSSProperties } from 'react'
import { formatClock } from '../shared/format.ts'
import { PauseIcon, PlayIcon } from '../shared/icons.tsx'
import { useAudio, type AudioOptions } from './use-audio.tsx'

export type PlayerControl = { toggle: () => void }

type Props = AudioOptions & {
  label: string
  id?: string
  /** Without it, a button elsewhere plays and pauses by the `ref`. */
  withButton?: boolean
}

/** Plays a recording from a blob or a URL, with seeking. */
export const Player = forwardRef<PlayerControl, Props>(function Player(
  { label, id, withButton = true, ...options },
  control
) {
  const { audio, length, position, playing, failed, toggle, seek } = useAudio(options)
  useImperativeHandle(control, () => ({ toggle }))
  const known = length !== undefined
  return (
    <div className="player" role="group" aria-label={label} id={id} tabIndex={-1}>
      {audio}
      {failed ? (
        <Unplayable retry={options.renew && toggle} />
      ) : (
        <>
          {withButton && (
            <button
              type="button"
              className="round"
              disabled={!known}
              aria-label={playing ? 'Pause' : 'Play'}
              onClick={toggle}
            >
              {playing ? <PauseIcon /> : <PlayIcon />}
            </button>
          )}
          <input
            type="range"
            aria-label="Position"
            min={0}
            max={length ?? 1}
            step={0.1}
            value={position}
            disabled={!known}
            aria-valuetext={`${formatClock(position)} of ${formatClock(length ?? 0)}`}
            style={{ '--played': `${length ? (position / length) * 100 : 0}%` } as CSSProperties}
            onChange={({ target }) => seek(Number(target.value))}
          />
          <span className="time">
            {formatClock(position)} / {known ? formatClock(length) : '–:––'}
          </span>
        </>
      )}
    </div>
  )
})

function Unplayable({ retry }: { retry: (() => void) | undefined }) {
  return (
    <div className="unplayable" role="alert">
      <p className="problem">
        The recording cannot be played. It may be unavailable right now, or this browser may not support its
        format.
      </p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}
