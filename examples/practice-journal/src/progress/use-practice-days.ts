import { useEffect, useState } from 'react'
import { useJournal, useSessions } from '../services/journal.ts'
import { addDays, type Day } from './periods.ts'

/**
 * The days with practice of a year, and of the weeks that reach into it. Loaded again whenever the history
 * changes.
 */
export function usePracticeDays(year: string) {
  const { service } = useJournal()
  const history = useSessions((state) => state.history)
  const [loaded, setLoaded] = useState<{ year: string; days: Day[] }>()
  const [problem, setProblem] = useState('')
  const [attempt, setAttempt] = useState(1)
  useEffect(() => {
    const stop = new AbortController()
    const range = { from: addDays(`${year}-01-01`, -6), to: addDays(`${year}-12-31`, 6) }
    service.getPracticeDays(range, stop).then(
      (days) => {
        if (stop.signal.aborted) return
        setLoaded({ year, days })
        setProblem('')
      },
      (error) => {
        if (!stop.signal.aborted) setProblem(error.message)
      }
    )
    return () => stop.abort()
  }, [service, year, history, attempt])
  return {
    days: loaded?.year === year ? loaded.days : undefined,
    problem,
    reload: () => setAttempt(attempt + 1)
  }
}
