import { useEffect, useRef } from 'react'
import { Clef, type ClefName } from '../shared/clef.tsx'

const BARS = 88
const INTERVAL = 60

/** The microphone level over time as bars on a staff, newest on the right. */
export function LevelMeter({
  analyser,
  running,
  clef
}: {
  analyser: AnalyserNode | null
  running: boolean
  clef: ClefName | undefined
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const levels = useRef<number[]>([])
  const meter = useRef<HTMLDivElement>(null)

  useEffect(() => {
    if (!analyser || !running) return
    const samples = new Float32Array(analyser.fftSize)
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples)
      const level = toLevel(samples)
      levels.current = [...levels.current, level].slice(-BARS)
      meter.current?.setAttribute('aria-valuenow', String(Math.round(level * 100)))
      if (canvas.current) draw(canvas.current, levels.current)
    }, INTERVAL)
    return () => clearInterval(timer)
  }, [analyser, running])

  return (
    <div
      ref={meter}
      className="staff"
      role="meter"
      aria-label="Microphone level"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    >
      {clef && <Clef name={clef} />}
      <canvas ref={canvas} width={1056} height={144} aria-hidden="true" />
    </div>
  )
}

/** Loudness from 0 (silence) to 1 (maximum), on a logarithmic scale. */
function toLevel(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
  return Math.min(1, Math.max(0, 1 + Math.log10(power + 1e-9) / 5))
}

function draw(canvas: HTMLCanvasElement, levels: number[]) {
  const context = canvas.getContext('2d')!
  const { width, height } = canvas
  const step = width / BARS
  context.clearRect(0, 0, width, height)
  context.fillStyle = getComputedStyle(canvas).color
  levels.forEach((level, index) => {
    const barHeight = Math.max(4, level * height)
    context.fillRect(width - (levels.length - index) * step, (height - barHeight) / 2, step / 2, barHeight)
  })
}
