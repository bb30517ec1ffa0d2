import { useEffect, useRef, useState } from 'react'
import { MAX_RECORDING_BYTES } from './files.ts'
import { pauseOthers } from '../player/one-player.ts'

export type Recorder = {
  status: 'idle' | 'recording' | 'paused'
  seconds: number
  /** The microphone signal, for the level meter. */
  analyser: AnalyserNode | null
  start: () => Promise<void>
  pause: () => void
  resume: () => void
  stop: () => void
}

type Listener = {
  /** Called every second with the next chunk of the file. */
  onChunk: (chunk: Blob, part: number, seconds: number) => void
  /** The recording has everything up to then, possibly nothing. */
  onStop: (recording: Blob, seconds: number, reason: StopReason) => void
}

/** `full`: the recording has reached the largest size that can be saved. */
export type StopReason = 'user' | 'disconnected' | 'full'

/** At 128 kbit/s, more than the chunk that arrives after the stop. */
const RESERVED_BYTES = 100_000
const MIME_TYPES = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus']

/** Records from the microphone. */
export function useRecorder(listener: Listener): Recorder {
  const [state, setState] = useState<Pick<Recorder, 'status' | 'seconds' | 'analyser'>>({
    status: 'idle',
    seconds: 0,
    analyser: null
  })
  const currentListener = useRef(listener)
  currentListener.current = listener
  const running = useRef<MediaRecorder>()
  const starting = useRef<Promise<void>>()
  const stopReason = useRef<StopReason>('disconnected')

  useEffect(() => () => running.current?.stop(), [])
  useEffect(() => {
    if (state.status !== 'recording') return
    const timer = setInterval(
      () => setState((state) => ({ ...state, seconds: stopwatch.current.seconds() })),
      250
    )
    return () => clearInterval(timer)
  }, [state.status])
  const stopwatch = useRef(createStopwatch())

  /**
   * Rejects when the microphone is not available; see `microphoneProblem`. While the browser asks for permission, the
   * user may press the button again: all calls have the same outcome.
   */
  function start(): Promise<void> {
    starting.current ??= openMicrophone()
      .then(recordStream)
      .finally(() => {
        starting.current = undefined
      })
    return starting.current
  }

  async function openMicrophone(): Promise<MediaStream> {
    pauseOthers() // the microphone would record them
    // Filters for speech would distort music.
    return navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }
    })
  }

  function recordStream(stream: MediaStream) {
    const mimeType = MIME_TYPES.find((type) => MediaRecorder.isTypeSupported(type))
    const recorder = new MediaRecorder(stream, { ...(mimeType && { mimeType }), audioBitsPerSecond: 128_000 })
    const context = new AudioContext()
    const analyser = new AnalyserNode(context, { fftSize: 1024 })
    context.createMediaStreamSource(stream).connect(analyser)
    const time = (stopwatch.current = createStopwatch())
    const chunks: Blob[] = []
    let bytes = 0

    recorder.ondataavailable = ({ data }) => {
      if (!data.size) return
      chunks.push(data)
      bytes += data.size
      currentListener.current.onChunk(data, chunks.length - 1, time.seconds())
      if (bytes > MAX_RECORDING_BYTES - RESERVED_BYTES && recorder.state !== 'inactive') {
        stopReason.current = 'full'
        recorder.stop()
      }
    }
    recorder.onpause = recorder.onresume = () => {
      time.toggle()
      setState((state) => ({ ...state, status: recorder.state === 'paused' ? 'paused' : 'recording' }))
    }
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop()
      context.close()
      setState({ status: 'idle', seconds: 0, analyser: null })
      currentListener.current.onStop(
        new Blob(chunks, { type: recorder.mimeType }),
        time.seconds(),
        stopReason.current
      )
    }
    stopReason.current = 'disconnected'
    recorder.start(1000)
    time.toggle()
    running.current = recorder
    setState({ status: 'recording', seconds: 0, analyser })
  }

  const active = (act: (recorder: MediaRecorder) => void) => () => {
    if (running.current && running.current.state !== 'inactive') act(running.current)
  }
  return {
    ...state,
    start,
    pause: active((recorder) => recorder.pause()),
    resume: active((recorder) => recorder.resume()),
    stop: active((recorder) => {
      stopReason.current = 'user'
      recorder.stop()
    })
  }
}

/** Measures time while it runs; `toggle` starts and pauses it. */
function createStopwatch() {
  let counted = 0
  let since: number | undefined
  return {
    seconds: () => (counted + (since === undefined ? 0 : performance.now() - since)) / 1000,
    toggle() {
      if (since === undefined) since = performance.now()
      else {
        counted += performance.now() - since
        since = undefined
      }
    }
  }
}

/** The message for an error of `start`. */
export function microphoneProblem(error: unknown): string {
  if (!isSecureContext) {
    return 'Browsers allow the microphone only on https pages. Open the journal by https, or choose a file.'
  }
  const name = error instanceof Error ? error.name : ''
  if (name === 'NotAllowedError') {
    return 'The browser may not use the microphone. Allow it next to the address bar and record again, or choose a file.'
  }
  if (name === 'NotFoundError') {
    return 'No microphone was found. Connect one and record again, or choose a file.'
  }
  return 'The microphone cannot be used right now. Close other programs that use it, or choose a file.'
}
