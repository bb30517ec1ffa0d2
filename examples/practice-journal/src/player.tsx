import { useEffect, useRef, useState } from 'react'
import { formatClock } from './format.ts'
import { PauseIcon, PlayIcon } from './icons.tsx'

type Props = {
  recording: Blob | string
  label: string
  onLength?: (seconds: number) => void
  /** Requests a new URL for the recording, because some expire during playback. */
  renewUrl?: () => Promise<string | null | undefined>
}

/** Plays a recording from a blob or a URL, with seeking. Continues when the URL expires. */
export function Player({ recording, label, onLength, renewUrl }: Props) {
  const audio = useRef<HTMLAudioElement>(null)
  const [length, setLength] = useState<number>()
  const [position, setPosition] = useState(0)
  const [playing, setPlaying] = useState(false)
  const [failed, setFailed] = useState(false)
  // Set from a failure until playback continues: position, and whether to play.
  const recovering = useRef<{ at: number; play: boolean }>()

  useEffect(() => {
    setLength(undefined)
    setFailed(false)
    recovering.current = undefined
    const url = typeof recording === 'string' ? recording : URL.createObjectURL(recording)
    open(url)
    return () => URL.revokeObjectURL(url)
  }, [recording])

  function open(url: string) {
    audio.current!.src = url
    audio.current!.load() // also reloads an unchanged URL
  }

  async function recover() {
    setFailed(false)
    recovering.current ??= { at: position, play: playing }
    const url = await renewUrl!().catch(() => undefined)
    if (!audio.current) return
    if (url) open(url)
    else fail()
  }

  function fail() {
    setFailed(true)
    setPlaying(false)
  }

  function onError() {
    const renewable = renewUrl && audio.current!.error?.code !== MediaError.MEDIA_ERR_DECODE
    if (renewable && !recovering.current) recover()
    else fail()
  }

  function readLength() {
    const element = audio.current!
    if (length !== undefined) return
    // WebM from MediaRecorder has no duration until the browser has read its end, so seek far beyond the end
    // and back.
    if (element.duration === Infinity) element.currentTime = 1e7
    else if (element.duration > 0) {
      element.currentTime = 0
      setPosition(0)
      setLength(element.duration)
      onLength?.(element.duration)
    }
  }

  function onLoadedMetadata() {
    readLength()
    if (length !== undefined) audio.current!.currentTime = recovering.current?.at ?? 0
  }

  function onCanPlay() {
    if (!recovering.current || audio.current!.seeking) return
    if (recovering.current.play) play()
    recovering.current = undefined
  }

  function play() {
    audio.current!.play().catch(() => {}) // the error event reports it as well
  }

  function toggle() {
    if (recovering.current) recovering.current.play = !playing
    if (!playing) return play()
    audio.current!.pause()
    setPlaying(false) // during a recovery the element is already paused and fires no event
  }

  function seek(seconds: number) {
    setPosition(seconds)
    if (recovering.current) recovering.current.at = seconds
    audio.current!.currentTime = seconds
  }

  const shown = Math.min(position, length ?? 0)
  const notice = (
    <div className="unplayable" role="alert">
      <p className="problem">
        The recording cannot be played. It may be unavailable right now, or this browser may not support its
        format.
      </p>
      {renewUrl && (
        <button type="button" onClick={recover}>
          Try again
        </button>
      )}
    </div>
  )
  const controls = (
    <>
      <button
        type="button"
        className="round"
        disabled={length === undefined}
        aria-label={playing ? 'Pause' : 'Play'}
        onClick={toggle}
      >
        {playing ? <PauseIcon /> : <PlayIcon />}
      </button>
      <input
        type="range"
        aria-label="Position"
        min={0}
        max={length ?? 1}
        step={0.1}
        value={shown}
        disabled={length === undefined}
        aria-valuetext={`${formatClock(shown)} of ${formatClock(length ?? 0)}`}
        style={{ '--played': `${length ? (shown / length) * 100 : 0}%` } as React.CSSProperties}
        onChange={({ target }) => seek(Number(target.value))}
      />
      <span className="time">
        {formatClock(shown)} / {length === undefined ? '–:––' : formatClock(length)}
      </span>
    </>
  )
  return (
    <div className="player" role="group" aria-label={label}>
      <audio
        ref={audio}
        preload="metadata"
        onLoadedMetadata={onLoadedMetadata}
        onDurationChange={readLength}
        onCanPlay={onCanPlay}
        onTimeUpdate={() => {
          if (length !== undefined && !recovering.current) setPosition(audio.current!.currentTime)
        }}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onEnded={() => seek(0)}
        onError={onError}
      />
      {failed ? notice : controls}
    </div>
  )
}
