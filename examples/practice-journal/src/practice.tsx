import { useEffect, useState, type FormEvent } from 'react'
import { StorageError, type SessionData } from 'harmony-helper/client'
import type { CurrentSession } from 'harmony-helper/client/zustand'
import { messageFor } from './error-messages.ts'
import { FileButton, INSTRUMENTS, Suggestions } from './fields.tsx'
import { formatClock, fromLocalInput, timeZoneName, toLocalInput } from './format.ts'
import { PauseIcon, RecordIcon, StopIcon } from './icons.tsx'
import { LevelMeter } from './level-meter.tsx'
import { Player } from './player.tsx'
import { microphoneProblem, useRecorder } from './recorder.ts'
import { isScore, readScore, Score, titleOf } from './score.tsx'
import { useJournal, useSessions } from './services/journal.ts'
import { useDroppedFiles } from './use-dropped-files.ts'

/** The form for the current session: record or pick a recording, name it, save it. */
export function Practice() {
  const { store, drafts } = useJournal()
  const session = useSessions((state) => state.currentSession)
  const history = useSessions((state) => state.history)
  const uploaded = useSessions((state) => state.uploadProgress)
  const [saving, setSaving] = useState(false)
  const [message, setMessage] = useState('')
  const [problem, setProblem] = useState('')

  /** Changes the current session, or starts one. Also saves it as a draft. */
  function edit(changes: Partial<CurrentSession>) {
    const isNew = !store.getState().currentSession
    if (isNew) store.getState().startNewSession('', '', history[0]?.instrument ?? '')
    store.setState(({ currentSession }) => ({ currentSession: { ...currentSession!, ...changes } }))
    const current = store.getState().currentSession!
    drafts.save(current, isNew).catch(warnDraftNotSaved)
    return current
  }

  const recorder = useRecorder({
    onChunk(chunk, part, seconds) {
      const { id } = edit({ durationSeconds: Math.round(seconds) })
      drafts.append(id, part, chunk).catch(warnDraftNotSaved)
    },
    onStop(audio, seconds, byUser) {
      store.getState().setRecordingStatus(false)
      if (audio.size > 0) edit({ audio, durationSeconds: Math.round(seconds) })
      setMessage(audio.size > 0 ? `Stopped after ${formatClock(seconds)}. Listen back, then save.` : '')
      if (!byUser) {
        setProblem(
          'The microphone was disconnected. Your recording up to that point is safe. Reconnect it to record more.'
        )
      }
    }
  })

  useEffect(() => {
    drafts
      .restore((draft) => {
        if (store.getState().currentSession) return false
        store.setState({ currentSession: draft })
        setMessage(draft.audio ? 'Your unsaved recording is still here.' : '')
        return true
      })
      .catch(warnDraftNotSaved)
  }, [drafts, store])

  // A reload during a save can leave a draft of a session that is already saved.
  const saved = history.find(({ id }) => id === session?.id)
  useEffect(() => {
    if (!saved || saving || saved.pending === 'refused') return
    drafts.remove(saved.id).catch(warnDraftNotSaved)
    store.getState().clearSession()
    setMessage(outcome(saved))
  }, [saved, saving, drafts, store])

  async function record() {
    setProblem('')
    setMessage('Waiting for the microphone…')
    try {
      await recorder.start()
      const { id } = edit({ date: new Date().toISOString(), durationSeconds: 0 })
      await drafts.dropRecording(id).catch(warnDraftNotSaved)
      store.getState().setRecordingStatus(true)
      setMessage('Recording.')
    } catch (error) {
      setMessage('')
      setProblem(microphoneProblem(error))
    }
  }

  async function addFiles(files: Iterable<File>) {
    if (saving) return
    setProblem('')
    for (const file of files) {
      try {
        if (isScore(file)) await addScore(file)
        else addRecording(file)
      } catch (error) {
        setProblem((error as Error).message)
      }
    }
  }

  async function addScore(file: File) {
    const xmlContent = await readScore(file)
    const { songName } = store.getState().currentSession ?? {}
    edit({ xmlContent, songName: songName || titleOf(xmlContent) })
    setMessage('')
  }

  function addRecording(file: File) {
    if (!/^(audio|video)\//.test(file.type)) {
      throw new Error(`${file.name} is neither a recording nor a MusicXML score.`)
    }
    if (recorder.status !== 'idle') throw new Error('Stop recording before you add a file.')
    if (store.getState().currentSession?.audio) {
      throw new Error('Save or discard the current recording before you add another.')
    }
    const { id } = edit({ audio: file, durationSeconds: 0 })
    drafts.append(id, 0, file).catch(warnDraftNotSaved)
    setMessage('Listen back, then save.')
  }

  async function save(event: FormEvent) {
    event.preventDefault()
    const { id } = store.getState().currentSession!
    setSaving(true)
    setMessage('Saving…')
    setProblem('')
    try {
      await store.getState().saveSession()
      await drafts.remove(id).catch(warnDraftNotSaved)
      setMessage(outcome(store.getState().history.find((session) => session.id === id)))
    } catch (error) {
      setMessage('')
      setProblem(error instanceof StorageError ? messageFor(error) : (error as Error).message)
      store.setState({ error: null }) // shown here, where the user can correct the input
    } finally {
      setSaving(false)
    }
  }

  function discard() {
    if (!confirm('Discard this recording? This cannot be undone.')) return
    const { id } = session!
    drafts.remove(id).catch(warnDraftNotSaved)
    store.getState().clearSession()
    // A refused session is still in the outbox.
    if (saved) {
      store
        .getState()
        .deleteSession(id)
        .catch(() => {})
    }
    setProblem('')
    setMessage('Discarded.')
  }

  const dragging = useDroppedFiles(addFiles)
  const idle = recorder.status === 'idle'
  const audio = idle ? session?.audio : undefined
  return (
    <section
      className={dragging ? 'card practice dragging' : 'card practice'}
      aria-labelledby="practice-title"
    >
      <h2 id="practice-title">Practise</h2>
      <form onSubmit={save}>
        <div className="fields">
          <label className="wide">
            Piece
            <input
              required
              readOnly={saving}
              maxLength={300}
              list="pieces"
              autoComplete="off"
              placeholder="What are you playing?"
              value={session?.songName ?? ''}
              onChange={({ target }) => edit({ songName: target.value })}
            />
          </label>
          <label>
            Instrument
            <input
              required
              readOnly={saving}
              maxLength={300}
              list="instruments"
              autoComplete="off"
              value={session?.instrument ?? history[0]?.instrument ?? ''}
              onChange={({ target }) => edit({ instrument: target.value })}
            />
          </label>
          <Suggestions id="pieces" options={history.map(({ songName }) => songName)} />
          <Suggestions
            id="instruments"
            options={[...history.map(({ instrument }) => instrument), ...INSTRUMENTS]}
          />
        </div>

        {audio ? (
          <Player
            recording={audio}
            label="Your recording"
            onLength={(length) => {
              if (!session?.durationSeconds) edit({ durationSeconds: Math.round(length) })
            }}
          />
        ) : (
          <LevelMeter analyser={recorder.analyser} running={recorder.status === 'recording'} />
        )}

        <div className="transport">
          {/* One button for both, so that it keeps the focus. */}
          {!audio && (
            <button type="button" className="record" onClick={() => (idle ? record() : recorder.stop())}>
              {idle ? (
                <>
                  <RecordIcon /> Record
                </>
              ) : (
                <>
                  <StopIcon /> Stop
                </>
              )}
            </button>
          )}
          {!idle && (
            <>
              {recorder.status === 'recording' ? (
                <button type="button" onClick={() => recorder.pause()}>
                  <PauseIcon /> Pause
                </button>
              ) : (
                <button type="button" onClick={() => recorder.resume()}>
                  <RecordIcon /> Resume
                </button>
              )}
              <span className="elapsed" role="timer" aria-label="Elapsed time">
                {formatClock(recorder.seconds)}
              </span>
              {recorder.status === 'paused' && <em>paused</em>}
            </>
          )}
          {audio && (
            <>
              <button className="primary" disabled={saving}>
                {saving ? 'Saving…' : 'Save'}
              </button>
              <button type="button" disabled={saving} onClick={discard}>
                Discard
              </button>
            </>
          )}
          {idle && !audio && (
            <FileButton label="Choose a recording" accept="audio/*,.webm,.m4a,.mp4" onPick={addFiles} />
          )}
          {idle && !saving && (
            <FileButton
              label={session?.xmlContent ? 'Replace the score' : 'Add a score'}
              accept=".musicxml,.xml,.mxl"
              onPick={addFiles}
            />
          )}
        </div>

        {audio && (
          <label className="when">
            Played at
            <input
              type="datetime-local"
              required
              readOnly={saving}
              max={toLocalInput(new Date().toISOString())}
              value={toLocalInput(session!.date)}
              onChange={({ target }) => {
                if (target.value) edit({ date: fromLocalInput(target.value) })
              }}
            />
            <span className="hint">{timeZoneName} time</span>
          </label>
        )}
        {/* Below 1 until the server confirms: the upload ends before the save. */}
        {saving && (
          <progress
            aria-label="Upload"
            max={1}
            value={uploaded === null ? undefined : Math.min(uploaded, 0.99)}
          />
        )}
        <p role="status" className="hint">
          {dragging
            ? 'Drop to add.'
            : message || 'You can also drop a recording or a MusicXML score on this page.'}
        </p>
        {problem && (
          <p role="alert" className="problem">
            {problem}
          </p>
        )}
      </form>
      {session?.xmlContent && <Score xml={session.xmlContent} title={session.songName || 'this piece'} />}
    </section>
  )
}

/** The message after a save. */
function outcome(session: SessionData | undefined): string {
  return session?.pending ? 'Saved in this browser. It will be sent to your account later.' : 'Saved.'
}

// A full disk must not end a recording. Without a draft it is only in memory.
function warnDraftNotSaved(error: unknown) {
  console.warn('The draft was not saved:', error)
}
