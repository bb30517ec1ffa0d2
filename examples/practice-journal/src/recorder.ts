import { useEffect, useRef, useState } from 'react'

export type Recorder = {
  status: 'idle' | 'recording' | 'paused'
  seconds: number
  /** What the microphone hears, for the level meter. */
  analyser: AnalyserNode | null
  start: () => Promise<void>
  pause: () => void
  resume: () => void
  stop: () => void
}

type Listener = {
  /** Every second, a piece of the recording; together they are the file. */
  onPiece: (piece: Blob, part: number, seconds: number) => void
  /** `asked` is false when the microphone went away by itself: what was heard until then is there, perhaps nothing. */
  onStop: (recording: Blob, seconds: number, asked: boolean) => void
}

const KINDS = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus']

/** Records with the microphone. */
export function useRecorder(listener: Listener): Recorder {
  const [state, setState] = useState<Pick<Recorder, 'status' | 'seconds' | 'analyser'>>({
    status: 'idle',
    seconds: 0,
    analyser: null
  })
  const listening = useRef(listener)
  listening.current = listener
  const running = useRef<MediaRecorder>()
  const starting = useRef(false)
  const asked = useRef(false)

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

  /** Rejects when there is no microphone to be had; see `microphoneProblem`. */
  async function start() {
    // The browser may ask the person first, who may press the button again meanwhile.
    if (starting.current) return
    starting.current = true
    try {
      // Processing made for speech would take the music out of music.
      listen(
        await navigator.mediaDevices.getUserMedia({
          audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }
        })
      )
    } finally {
      starting.current = false
    }
  }

  function listen(stream: MediaStream) {
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind))
    const recorder = new MediaRecorder(stream, { ...(mimeType && { mimeType }), audioBitsPerSecond: 128_000 })
    const context = new AudioContext()
    const analyser = new AnalyserNode(context, { fftSize: 1024 })
    context.createMediaStreamSource(stream).connect(analyser)
    const time = (stopwatch.current = createStopwatch())
    const pieces: Blob[] = []

    recorder.ondataavailable = ({ data }) => {
      if (!data.size) return
      pieces.push(data)
      listening.current.onPiece(data, pieces.length - 1, time.seconds())
    }
    recorder.onpause = recorder.onresume = () => {
      time.toggle()
      setState((state) => ({ ...state, status: recorder.state === 'paused' ? 'paused' : 'recording' }))
    }
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop()
      context.close()
      setState({ status: 'idle', seconds: 0, analyser: null })
      listening.current.onStop(new Blob(pieces, { type: recorder.mimeType }), time.seconds(), asked.current)
    }
    asked.current = false
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
      asked.current = true
      recorder.stop()
    })
  }
}

/** Counts only while it runs. */
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

/** What to tell somebody whose microphone could not be had. */
export function microphoneProblem(error: unknown): string {
  if (!isSecureContext) {
    return 'Browsers give the microphone to https pages only. Open the journal by https, or pick a file.'
  }
  const name = error instanceof Error ? error.name : ''
  if (name === 'NotAllowedError') {
    return 'The browser may not use the microphone. Allow it beside the address bar and record again, or pick a file.'
  }
  if (name === 'NotFoundError') {
    return 'No microphone was found. Plug one in and record again, or pick a file.'
  }
  return 'The microphone cannot be used right now. Close other programs that use it, or pick a file.'
}
