import { useEffect, useRef } from 'react'
import { BarChart, FixedScaleAxis } from 'chartist'
import { HiddenTable } from './hidden-table.tsx'
import type { Bar } from './periods.ts'
import { scaleOf } from './scale.ts'

/** Minutes as bars; as a table for screen readers. */
export function MinutesGraph({ bars, title }: { bars: Bar[]; title: string }) {
  const element = useRef<HTMLDivElement>(null)
  const content = JSON.stringify(bars)
  useEffect(() => {
    const bars = JSON.parse(content) as Bar[]
    const { ticks, top } = scaleOf(bars.map(({ minutes }) => minutes))
    const isCrowded = bars.length > 12
    const chart = new BarChart(
      element.current!,
      { labels: bars.map(({ label }) => label), series: [bars.map(({ minutes }) => minutes)] },
      {
        chartPadding: { top: 12, right: 4, bottom: 0, left: 0 },
        axisX: {
          showGrid: false,
          offset: 24,
          labelInterpolationFnc: (label, index) => (isCrowded && index % 5 !== 0 ? null : label)
        },
        axisY: { type: FixedScaleAxis, ticks, low: 0, high: top, offset: 40 }
      }
    )
    return () => {
      chart.detach()
    }
  }, [content])
  return (
    <figure>
      <div ref={element} className={`graph bars-${bars.length > 12 ? 'thin' : 'wide'}`} aria-hidden="true" />
      <HiddenTable
        caption={`Minutes practised, ${title}`}
        rows={bars.map(({ name, minutes }) => ({ name, value: minutes }))}
      />
      <figcaption className="hint">Minutes</figcaption>
    </figure>
  )
}
