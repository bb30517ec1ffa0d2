import { useCallback, useEffect, useRef, useState } from 'react'
import type { SessionData } from '@harmony-helper/client'
import { useJournal } from '../services/journal.ts'

const UNDO_MS = 10_000
const REPORT_MS = 10_000

export type Deletion = { session: SessionData; state: 'waiting' | 'running' | 'done' }

/**
 * A deletion that can be undone for ten seconds and happens afterwards, at once on request, or when another
 * one is started. Closing the page before that keeps the session.
 */
export function useDeletion() {
  const { store, recordings } = useJournal()
  const [current, setCurrent] = useState<Deletion>()
  const latest = useRef(current)
  latest.current = current

  const isCurrent = (id: string) => latest.current?.session.id === id

  async function commit() {
    const { session, state } = latest.current ?? {}
    if (!session || state !== 'waiting') return
    setCurrent({ session, state: 'running' })
    try {
      await store.getState().deleteSession(session.id)
      recordings?.remove(session.id)
      if (isCurrent(session.id)) setCurrent({ session, state: 'done' })
    } catch {
      if (isCurrent(session.id)) close() // the session reappears, and the notice shows the error
    }
  }

  function close() {
    setCurrent(undefined)
  }

  const start = useCallback((session: SessionData) => {
    commit()
    setCurrent({ session, state: 'waiting' })
  }, [])

  const state = current?.state
  useEffect(() => {
    if (!state || state === 'running') return
    const timer = setTimeout(state === 'waiting' ? commit : close, state === 'waiting' ? UNDO_MS : REPORT_MS)
    return () => clearTimeout(timer)
  }, [current?.session.id, state])

  return { current, hidden: current?.session.id, start, commit, close }
}
