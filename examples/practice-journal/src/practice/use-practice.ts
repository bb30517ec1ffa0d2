import { useEffect, useRef, useState } from 'react'
import { StorageError } from '@harmony-helper/client'
import { messageFor } from '../shared/error-messages.ts'
import { formatClock } from '../shared/format.ts'
import { formatLimit } from '../shared/limits.ts'
import { useJournal, useSessions } from '../services/journal.ts'
import { fileActions } from './file-actions.ts'
import { MAX_RECORDING_BYTES } from './files.ts'
import { microphoneProblem, useRecorder, type StopReason } from './recorder.ts'
import { timerActions } from './timer-actions.ts'
import { STOPPED } from './timer.ts'
import { useAnnouncement } from './use-announcement.ts'
import { useDraft } from './use-draft.ts'
import { useOutcome } from './use-outcome.ts'

const STOPPED_EARLY: Record<Exclude<StopReason, 'user'>, string> = {
  disconnected:
    'The microphone was disconnected. Your recording up to that point is safe. Reconnect it to record more.',
  full: `The recording has reached ${formatLimit(MAX_RECORDING_BYTES)}, the largest that can be saved. Save it, then record on.`
}

/** What the practice form does: record, time, add files, save and discard. */
export function usePractice() {
  const { store, recordings } = useJournal()
  const draft = useDraft()
  const { session, edit, timer } = draft
  const history = useSessions((state) => state.history)
  const [saving, setSaving] = useState(false)
  const [minutesShown, setMinutesShown] = useState(false)
  const { announcement, announce } = useAnnouncement()
  // The elements that had the focus are gone after these, so the form moves it.
  const [focus, moveFocus] = useState<'recording' | 'minutes' | 'title' | null>(null)

  const recorder = useRecorder({
    onChunk(chunk, part, seconds) {
      const { id } = edit({ durationSeconds: Math.round(seconds) })
      draft.addChunk(id, part, chunk)
    },
    onStop(audio, seconds, reason) {
      store.getState().setRecordingStatus(false)
      if (audio.size > 0) {
        edit({ audio, durationSeconds: Math.round(seconds) })
        moveFocus('recording')
      }
      announce({
        message: audio.size > 0 ? `Stopped after ${formatClock(seconds)}. Listen back, then save.` : '',
        problem: reason === 'user' ? '' : STOPPED_EARLY[reason]
      })
    }
  })

  const outcome = useOutcome(announce)

  const { startTimer, stopTimer, ...timed } = timerActions(draft, announce)
  const { removeScore, ...added } = fileActions({ store, draft, recorder, announce })

  const restoreOnce = useRef(() =>
    draft.restore((session, timer) => {
      if (session.audio) announce({ message: 'Your unsaved recording is still here.' })
      else if (timer.since !== null) announce({ message: 'The timer is still running.' })
      else if (session.durationSeconds > 0) announce({ message: 'Your unsaved practice is still here.' })
    })
  )
  useEffect(() => restoreOnce.current(), [])

  // A reload during a save can leave a draft of a session that is already saved.
  const saved = history.find(({ id }) => id === session?.id)
  useEffect(() => {
    if (!saved || saving || saved.pending === 'refused') return
    draft.remove(saved.id)
    store.getState().clearSession()
    setMinutesShown(false)
    outcome.follow(saved.id)
  }, [saved, saving])

  async function record() {
    announce({ message: 'Waiting for the microphone…' })
    try {
      await recorder.start()
      const { id } = edit({ date: new Date().toISOString(), durationSeconds: 0 }, STOPPED)
      await draft.dropRecording(id)
      store.getState().setRecordingStatus(true)
      announce({ message: 'Recording.' })
    } catch (error) {
      announce({ problem: microphoneProblem(error) })
    }
  }

  function pause() {
    recorder.pause()
    announce({ message: 'Paused.' })
  }

  function resume() {
    recorder.resume()
    announce({ message: 'Recording.' })
  }

  async function addFiles(files: Iterable<File>) {
    if (!saving) await added.addFiles(files)
  }

  function setSeconds(seconds: number) {
    setMinutesShown(true) // the field stays while it is empty
    timed.setSeconds(seconds)
  }

  function showMinutes() {
    setMinutesShown(true)
    moveFocus('minutes')
  }

  async function save() {
    if (saving) return
    if (recorder.status !== 'idle') return announce({ problem: 'Stop the recording, then save.' })
    if (timer.since !== null) return announce({ problem: 'Stop the timer, then save.' })
    if (!session?.audio && !session?.durationSeconds) {
      announce({
        problem: 'There is no practice to save yet. Record, start the timer, or enter the minutes.'
      })
      return showMinutes()
    }
    setSaving(true)
    announce({ message: 'Saving…' })
    try {
      await store.getState().saveSession()
      await draft.remove(session.id)
      if (session.audio) recordings?.keep(session.id, session.audio)
      setMinutesShown(false)
      outcome.follow(session.id)
      moveFocus('title')
    } catch (error) {
      announce({ problem: error instanceof StorageError ? messageFor(error) : (error as Error).message })
      store.setState({ error: null }) // shown here, where the user can correct the input
    } finally {
      setSaving(false)
    }
  }

  function discard() {
    const what = session?.audio ? 'this recording' : 'this practice'
    if (session && !confirm(`Discard ${what}? This cannot be undone.`)) return
    setMinutesShown(false)
    moveFocus('title')
    if (!session) return announce({})
    draft.remove(session.id)
    store.getState().clearSession()
    // A refused session is still in the outbox.
    if (saved) {
      store
        .getState()
        .deleteSession(session.id)
        .catch(() => {})
    }
    announce({ message: 'Discarded.' })
  }

  return {
    ...{ session, timer, recorder, saving, announcement, focus, moveFocus },
    ...{ edit, record, pause, resume, startTimer, stopTimer, setSeconds, showMinutes, minutesShown },
    ...{ addFiles, removeScore, save, discard, usualInstrument: draft.usualInstrument }
  }
}

export type PracticeForm = ReturnType<typeof usePractice>
