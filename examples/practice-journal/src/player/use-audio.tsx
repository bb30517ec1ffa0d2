import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { pauseOthers } from './one-player.ts'

export type Recording = Blob | string

export type AudioOptions = {
  /** Read once: a list that is loaded again does not interrupt what plays. */
  recording: Recording
  /** Starts playing at once. */
  autoPlay?: boolean | undefined
  onLength?: ((seconds: number) => void) | undefined
  onPlaying?: ((playing: boolean) => void) | undefined
  /** Requests the recording again, because some URLs expire during playback. */
  renew?: (() => Promise<Recording | null | undefined>) | undefined
}

/** Playback of a recording by an audio element. Continues when its URL expires. */
export function useAudio({ recording, autoPlay = false, onLength, onPlaying, renew }: AudioOptions) {
  const element = useRef<HTMLAudioElement>(null)
  const objectUrl = useRef('')
  const [length, setLength] = useState<number>()
  const [position, setPosition] = useState(0)
  const [playing, setPlaying] = useState(false)
  const [failed, setFailed] = useState(false)
  // Set from a failure until playback continues: position, and whether to play.
  const recovering = useRef<{ at: number; play: boolean }>()
  const playOnceMeasured = useRef(autoPlay)

  useLayoutEffect(() => {
    open(recording)
    if (autoPlay) play() // within the click, as iOS demands
    return () => {
      element.current?.pause()
      URL.revokeObjectURL(objectUrl.current)
    }
  }, [])
  useEffect(() => onPlaying?.(playing), [playing])

  function open(recording: Recording) {
    URL.revokeObjectURL(objectUrl.current)
    objectUrl.current = typeof recording === 'string' ? '' : URL.createObjectURL(recording)
    element.current!.src = typeof recording === 'string' ? recording : objectUrl.current
    element.current!.load() // also reloads an unchanged URL
  }

  async function recover(play = playing || playOnceMeasured.current) {
    setFailed(false)
    recovering.current = { at: recovering.current?.at ?? position, play }
    const renewed = await renew!().catch(() => undefined)
    if (!element.current) return
    if (renewed) open(renewed)
    else fail()
  }

  function fail() {
    setFailed(true)
    setPlaying(false)
  }

  function onError() {
    const renewable = renew && element.current!.error?.code !== MediaError.MEDIA_ERR_DECODE
    if (renewable && !recovering.current) recover()
    else fail()
  }

  function readLength() {
    const audio = element.current!
    if (length !== undefined) return
    // WebM from MediaRecorder has no duration until the browser has read its end, so seek far beyond the end
    // and back.
    if (audio.duration === Infinity) audio.currentTime = 1e7
    else if (audio.duration > 0) measured(audio)
  }

  function measured(audio: HTMLAudioElement) {
    audio.currentTime = 0
    setPosition(0)
    setLength(audio.duration)
    onLength?.(audio.duration)
    if (playOnceMeasured.current) play() // the seek to the end has paused it
    playOnceMeasured.current = false
  }

  function onLoadedMetadata() {
    readLength()
    if (length !== undefined) element.current!.currentTime = recovering.current?.at ?? 0
  }

  function onCanPlay() {
    if (!recovering.current || element.current!.seeking) return
    if (recovering.current.play) play()
    recovering.current = undefined
  }

  function play() {
    element.current!.play().catch(() => {}) // the error event reports it as well
  }

  function toggle() {
    if (failed && renew) return recover(true)
    if (recovering.current) recovering.current.play = !playing
    if (!playing) return play()
    element.current!.pause()
    setPlaying(false) // during a recovery the element is already paused and fires no event
  }

  function seek(seconds: number) {
    setPosition(seconds)
    if (recovering.current) recovering.current.at = seconds
    element.current!.currentTime = seconds
  }

  const audio = (
    <audio
      ref={element}
      preload="metadata"
      onLoadedMetadata={onLoadedMetadata}
      onDurationChange={readLength}
      onCanPlay={onCanPlay}
      onTimeUpdate={() => {
        if (length !== undefined && !recovering.current) setPosition(element.current!.currentTime)
      }}
      onPlay={() => {
        pauseOthers(element.current!)
        setPlaying(true)
      }}
      onPause={() => setPlaying(false)}
      onEnded={() => {
        if (length !== undefined) seek(0)
      }}
      onError={onError}
    />
  )
  return { audio, length, position: Math.min(position, length ?? 0), playing, failed, toggle, seek }
}
