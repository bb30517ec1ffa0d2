import { useRef, useState } from 'react'
import type { CurrentSession } from '@harmony-helper/client/zustand'
import { useJournal, useSessions } from '../services/journal.ts'
import { STOPPED, type TimerState } from './timer.ts'

/** The current session with its timer. Every change is also written to the draft. */
export function useDraft() {
  const { store, drafts } = useJournal()
  const session = useSessions((state) => state.currentSession)
  const usualInstrument = useSessions((state) => state.history[0]?.instrument ?? '')
  const [timer, showTimer] = useState(STOPPED)
  const timerNow = useRef(timer)

  function setTimer(timer: TimerState) {
    timerNow.current = timer
    showTimer(timer)
  }

  /** Changes the current session, or starts one. */
  function edit(changes: Partial<Omit<CurrentSession, 'id'>>, timer?: TimerState): CurrentSession {
    const isNew = !store.getState().currentSession
    if (isNew) store.getState().startNewSession('', '', usualInstrument)
    if (isNew || timer) setTimer(timer ?? STOPPED)
    store.getState().changeSession(changes)
    const session = store.getState().currentSession!
    drafts.save({ session, timer: timerNow.current }, isNew).catch(warnDraftNotSaved)
    return session
  }

  /** Takes over the draft of an earlier page, unless a session is already being practised. */
  function restore(adopted: (session: CurrentSession, timer: TimerState) => void) {
    drafts
      .restore(({ session, timer }) => {
        if (store.getState().currentSession) return false
        store.setState({ currentSession: session })
        setTimer(timer)
        adopted(session, timer)
        return true
      })
      .catch(warnDraftNotSaved)
  }

  function addChunk(id: string, part: number, chunk: Blob) {
    drafts.append(id, part, chunk).catch(warnDraftNotSaved)
  }

  /** Removes the recorded chunks, before another recording. */
  async function dropRecording(id: string) {
    await drafts.dropRecording(id).catch(warnDraftNotSaved)
  }

  async function remove(id: string) {
    setTimer(STOPPED)
    await drafts.remove(id).catch(warnDraftNotSaved)
  }

  return { session, usualInstrument, timer, edit, restore, addChunk, dropRecording, remove }
}

export type Draft = ReturnType<typeof useDraft>

// A full disk must not end a recording. Without a draft it is only in memory.
function warnDraftNotSaved(error: unknown) {
  console.warn('The draft was not saved:', error)
}
