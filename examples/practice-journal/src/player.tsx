import { useEffect, useRef, useState } from 'react'
import { clock } from './format.ts'
import { PauseIcon, PlayIcon } from './icons.tsx'

type Props = { recording: Blob | string, label: string, onLength?: (seconds: number) => void }

/** Plays a recording, from a blob or a URL, with seeking. */
export function Player ({ recording, label, onLength }: Props) {
  const audio = useRef<HTMLAudioElement>(null)
  const [src, setSrc] = useState<string>()
  const [length, setLength] = useState<number>()
  const [position, setPosition] = useState(0)
  const [playing, setPlaying] = useState(false)
  const [failed, setFailed] = useState(false)

  useEffect(() => {
    setLength(undefined)
    setFailed(false)
    if (typeof recording === 'string') return setSrc(recording)
    const url = URL.createObjectURL(recording)
    setSrc(url)
    return () => URL.revokeObjectURL(url)
  }, [recording])

  function learnLength () {
    const element = audio.current!
    if (length !== undefined) return
    // A browser's own WebM does not say how long it is until it was played through; so jump behind its end and back.
    if (element.duration === Infinity) element.currentTime = 1e7
    else if (element.duration > 0) {
      element.currentTime = 0
      setPosition(0)
      setLength(element.duration)
      onLength?.(element.duration)
    }
  }

  function seek (seconds: number) {
    audio.current!.currentTime = seconds
    setPosition(seconds)
  }

  if (failed) return <p className='problem' role='alert'>The recording cannot be played. It may be unreachable right now, or of a kind that this browser does not know.</p>
  const shown = Math.min(position, length ?? 0)
  return (
    <div className='player' role='group' aria-label={label}>
      <audio
        ref={audio} src={src} preload='metadata'
        onLoadedMetadata={learnLength} onDurationChange={learnLength}
        onTimeUpdate={() => { if (length !== undefined) setPosition(audio.current!.currentTime) }}
        onPlay={() => setPlaying(true)} onPause={() => setPlaying(false)} onEnded={() => seek(0)}
        onError={() => setFailed(true)}
      />
      <button
        type='button' className='round' disabled={length === undefined} aria-label={playing ? 'Pause' : 'Play'}
        onClick={() => playing ? audio.current!.pause() : audio.current!.play()}
      >
        {playing ? <PauseIcon /> : <PlayIcon />}
      </button>
      <input
        type='range' aria-label='Position' min={0} max={length ?? 1} step={0.1} value={shown} disabled={length === undefined}
        aria-valuetext={`${clock(shown)} of ${clock(length ?? 0)}`}
        style={{ '--played': `${length ? shown / length * 100 : 0}%` } as React.CSSProperties}
        onChange={({ target }) => seek(Number(target.value))}
      />
      <span className='time'>{clock(shown)} / {length === undefined ? '–:––' : clock(length)}</span>
    </div>
  )
}
