import { useEffect, useRef } from 'react'
import { BarChart, FixedScaleAxis } from 'chartist'
import type { UserStatsData } from '@harmony-helper/client'
import { dayOf, formatDuration, timeZoneName } from '../shared/format.ts'
import { NoteIcon } from '../shared/icons.tsx'
import { useSessions } from '../services/journal.ts'
import { Basis } from './basis.tsx'
import { HiddenTable } from './hidden-table.tsx'
import { scaleOf } from './scale.ts'

/**
 * The statistics: the minutes of this week as notes on a staff, the streak as a tempo mark, and the total.
 */
export function Week() {
  const stats = useSessions((state) => state.stats)
  const total = stats?.weekly_progress.reduce((sum, { minutes }) => sum + minutes, 0)
  return (
    <section className="card week" aria-labelledby="week-title">
      <h2 id="week-title">This week</h2>
      <dl className="figures">
        <div className="streak">
          <dt>{stats?.streak === 1 ? 'day in a row' : 'days in a row'}</dt>
          <dd>
            <NoteIcon /> = {stats ? stats.streak : '–'}
          </dd>
        </div>
        <div>
          <dt>this week</dt>
          <dd>{total === undefined ? '–' : formatDuration(total * 60)}</dd>
        </div>
        <div>
          <dt>in total</dt>
          <dd>{stats ? formatDuration(stats.total_minutes * 60) : '–'}</dd>
        </div>
      </dl>
      <Basis />
      <figure>
        <Graph week={stats?.weekly_progress ?? []} />
        <HiddenTable
          caption="Minutes practised on each day of this week"
          rows={(stats?.weekly_progress ?? []).map(({ day, date, minutes }) => ({
            name: day,
            value: minutes,
            isCurrent: date === dayOf(new Date())
          }))}
        />
        <figcaption className="hint">
          Minutes per day. Days start at midnight, {timeZoneName} time.
        </figcaption>
      </figure>
    </section>
  )
}

function Graph({ week }: { week: UserStatsData['weekly_progress'] }) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const { ticks, top } = scaleOf(week.map(({ minutes }) => minutes))
    const chart = new BarChart(
      element.current!,
      {
        labels: week.map(({ day }) => day),
        series: [week.map(({ minutes }) => minutes)]
      },
      {
        chartPadding: { top: 12, right: 4, bottom: 0, left: 0 },
        axisX: { showGrid: false, offset: 24 },
        axisY: { type: FixedScaleAxis, ticks, low: 0, high: top, offset: 34 }
      }
    )
    const today = week.findIndex(({ date }) => date === dayOf(new Date()))
    chart.on('draw', (event) => {
      if (event.type === 'label' && event.axis.units.pos === 'x' && event.index === today) {
        event.element.addClass('today')
      }
      if (event.type !== 'bar' || !event.y2 || event.y1 === event.y2) return
      if (event.index === today) event.group.addClass('with-today')
      event.group.elem(
        'ellipse',
        {
          cx: event.x2 + 6.5,
          cy: event.y2,
          rx: 7.5,
          ry: 5.5,
          transform: `rotate(-22 ${event.x2 + 6.5} ${event.y2})`
        },
        event.index === today ? 'head today' : 'head'
      )
    })
    return () => {
      chart.detach()
    }
  }, [week])
  return <div ref={element} className="graph" aria-hidden="true" />
}
