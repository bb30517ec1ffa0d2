import { useEffect, useRef } from 'react'
import { FixedScaleAxis, LineChart } from 'chartist'
import { HiddenTable } from './hidden-table.tsx'
import { dayName } from '../shared/format.ts'
import type { Accuracy } from './piece.ts'

/** The accuracy of a piece over time, as a line; as a table for screen readers. */
export function AccuracyGraph({ piece, accuracies }: { piece: string; accuracies: Accuracy[] }) {
  const element = useRef<HTMLDivElement>(null)
  const content = JSON.stringify(accuracies)
  useEffect(() => {
    const points = (JSON.parse(content) as Accuracy[]).map(({ date, percent }) => ({
      x: Date.parse(date),
      y: percent
    }))
    if (points.length === 0) return
    const [first, last] = [points[0]!.x, points.at(-1)!.x]
    const chart = new LineChart(
      element.current!,
      { series: [points] },
      {
        chartPadding: { top: 12, right: 12, bottom: 0, left: 0 },
        lineSmooth: false,
        // A single point needs a range around it.
        axisX: {
          type: FixedScaleAxis,
          low: first === last ? first - 1 : first,
          high: first === last ? last + 1 : last,
          ticks: [],
          offset: 12
        },
        axisY: { type: FixedScaleAxis, low: 0, high: 100, ticks: [0, 25, 50, 75, 100], offset: 40 }
      }
    )
    return () => {
      chart.detach()
    }
  }, [content])

  if (accuracies.length === 0) return <p className="hint">No accuracy has been measured for {piece} yet.</p>
  const [first, last] = [accuracies[0]!, accuracies.at(-1)!].map(({ date }) => dayName(date))
  return (
    <figure>
      <h3>Accuracy</h3>
      <div ref={element} className="graph" aria-hidden="true" />
      <HiddenTable
        caption={`Accuracy of ${piece} in per cent`}
        rows={accuracies.map(({ date, percent }) => ({ name: dayName(date), value: percent }))}
      />
      <figcaption className="hint">Per cent, {first === last ? first : `${first} to ${last}`}</figcaption>
    </figure>
  )
}
