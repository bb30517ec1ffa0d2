import { useEffect, useState } from 'react'
import type { SessionData } from '@harmony-helper/client'
import { useJournal } from '../services/journal.ts'

/** One session in full; undefined until it is loaded, null when it does not exist any more. */
export function useSession(id: string) {
  const { service } = useJournal()
  const [session, setSession] = useState<SessionData | null>()
  const [problem, setProblem] = useState('')
  const [attempt, setAttempt] = useState(1)
  useEffect(() => {
    const stop = new AbortController()
    setProblem('')
    service.getSessionById(id, stop).then(setSession, (error) => {
      if (!stop.signal.aborted) setProblem(error.message)
    })
    return () => stop.abort()
  }, [service, id, attempt])
  return { session, problem, reload: () => setAttempt(attempt + 1) }
}
