import { cloneElement, useEffect, useRef } from 'react'
import { ActivityCalendar, type Activity } from 'react-activity-calendar'
import { countSessions, formatDuration } from '../shared/format.ts'
import { HiddenTable } from './hidden-table.tsx'
import { barsOf, periodOf, type Day } from './periods.ts'

/** Minutes from which a day has the next colour. */
const LEVELS = [1, 20, 40, 60]
const THEME = { light: [0, 1, 2, 3, 4].map((level) => `var(--heat-${level})`) }

/** The practice of each day of a year as a calendar of colours; as a table of months for screen readers. */
export function HeatMap({ year, days }: { year: string; days: Day[] }) {
  const scroller = useRef<HTMLDivElement>(null)
  const calendar = calendarOf(year, days)
  useEffect(() => showLatest(scroller.current!, calendar), [year]) // on a phone, the year is wider than the page
  return (
    <figure className="heat-map">
      <div ref={scroller} className="scroller" tabIndex={0} role="region" aria-label={`Calendar of ${year}`}>
        <div aria-hidden="true">
          <ActivityCalendar
            data={calendar}
            theme={THEME}
            colorScheme="light"
            weekStart={1}
            blockSize={9}
            blockMargin={2.5}
            fontSize={12}
            showWeekdayLabels={['mon', 'thu', 'sun']}
            showTotalCount={false}
            labels={{ legend: { less: 'No practice', more: 'An hour or more' } }}
            renderBlock={(block, { date, count }) =>
              cloneElement(
                block,
                {},
                <title>{`${date}: ${count > 0 ? formatDuration(count * 60) : 'no practice'}`}</title>
              )
            }
          />
        </div>
      </div>
      <HiddenTable
        caption={`Minutes practised in each month of ${year}`}
        rows={barsOf(periodOf('year', `${year}-01-01`), days).map(({ name, minutes, sessions }) => ({
          name,
          value: `${minutes} min, ${countSessions(sessions)}`
        }))}
      />
      <figcaption className="hint">Each square is a day of {year}.</figcaption>
    </figure>
  )
}

/** The days with practice, between the first and the last day of the year. */
function calendarOf(year: string, days: Day[]): Activity[] {
  const [first, last] = [`${year}-01-01`, `${year}-12-31`]
  const practised = new Map<string, Activity>()
  for (const date of [first, last]) practised.set(date, { date, count: 0, level: 0 })
  for (const { date, minutes, sessions } of days) {
    if (date < first || date > last || sessions === 0) continue
    // A session of less than half a minute counts as well.
    const level = Math.max(1, LEVELS.filter((from) => minutes >= from).length)
    practised.set(date, { date, count: minutes, level })
  }
  return [...practised.values()].sort((a, b) => a.date.localeCompare(b.date))
}

function showLatest(scroller: HTMLElement, calendar: Activity[]) {
  const latest = calendar.findLast(({ level }) => level > 0)?.date ?? ''
  const share = (Date.parse(latest || calendar[0]!.date) - Date.parse(calendar[0]!.date)) / (366 * 86_400_000)
  scroller.scrollLeft = share * scroller.scrollWidth - scroller.clientWidth / 2
}
