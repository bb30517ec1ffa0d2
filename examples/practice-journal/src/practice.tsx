import { useEffect, useRef, useState, type FormEvent } from 'react'
import { StorageError, type SessionData } from 'harmony-helper/client'
import type { CurrentSession } from 'harmony-helper/client/zustand'
import { clock, fromLocalInput, timeZoneName, toLocalInput } from './format.ts'
import { PauseIcon, RecordIcon, StopIcon } from './icons.tsx'
import { LevelMeter } from './level-meter.tsx'
import { Player } from './player.tsx'
import { microphoneProblem, useRecorder } from './recorder.ts'
import { reasonOf } from './refusals.ts'
import { isScore, readScore, Score, titleOf } from './score.tsx'
import { useJournal, useSessions } from './services/journal.ts'

const INSTRUMENTS = [
  'Piano',
  'Violin',
  'Viola',
  'Cello',
  'Double bass',
  'Guitar',
  'Flute',
  'Oboe',
  'Clarinet',
  'Bassoon',
  'Saxophone',
  'Trumpet',
  'Horn',
  'Trombone',
  'Tuba',
  'Harp',
  'Organ',
  'Percussion',
  'Voice'
]

/** The session being practised: recorded or picked, given a name, saved. */
export function Practice() {
  const { store, drafts } = useJournal()
  const session = useSessions((state) => state.currentSession)
  const history = useSessions((state) => state.history)
  const uploaded = useSessions((state) => state.uploadProgress)
  const [saving, setSaving] = useState(false)
  const [message, setMessage] = useState('')
  const [problem, setProblem] = useState('')

  /** Changes the current session, or begins one; keeps it as a draft, too. */
  function edit(changes: Partial<CurrentSession>) {
    const isNew = !store.getState().currentSession
    if (isNew) store.getState().startNewSession('', '', history[0]?.instrument ?? '')
    store.setState(({ currentSession }) => ({ currentSession: { ...currentSession!, ...changes } }))
    const current = store.getState().currentSession!
    drafts.keep(current, isNew).catch(noDraft)
    return current
  }

  const recorder = useRecorder({
    onPiece(piece, part, seconds) {
      const { id } = edit({ durationSeconds: Math.round(seconds) })
      drafts.append(id, part, piece).catch(noDraft)
    },
    onStop(audio, seconds, asked) {
      store.getState().setRecordingStatus(false)
      if (audio.size > 0) edit({ audio, durationSeconds: Math.round(seconds) })
      setMessage(audio.size > 0 ? `Stopped after ${clock(seconds)}. Listen back, then save.` : '')
      if (!asked) {
        setProblem(
          'The microphone went away. What it heard until then is kept; plug it in again to record more.'
        )
      }
    }
  })

  useEffect(() => {
    drafts
      .restore((draft) => {
        if (store.getState().currentSession) return false
        store.setState({ currentSession: draft })
        setMessage(draft.audio ? 'The recording that you had not saved yet is still here.' : '')
        return true
      })
      .catch(noDraft)
  }, [drafts, store])

  // A reload in the middle of a save leaves a draft of what is kept already.
  const kept = history.find(({ id }) => id === session?.id)
  useEffect(() => {
    if (!kept || saving || kept.pending === 'refused') return
    drafts.forget(kept.id).catch(noDraft)
    store.getState().clearSession()
    setMessage(outcome(kept))
  }, [kept, saving, drafts, store])

  async function record() {
    setProblem('')
    setMessage('Waiting for the microphone…')
    try {
      await recorder.start()
      const { id } = edit({ date: new Date().toISOString(), durationSeconds: 0 })
      await drafts.dropRecording(id).catch(noDraft)
      store.getState().setRecordingStatus(true)
      setMessage('Recording.')
    } catch (error) {
      setMessage('')
      setProblem(microphoneProblem(error))
    }
  }

  async function take(files: Iterable<File>) {
    if (saving) return
    setProblem('')
    for (const file of files) {
      try {
        if (isScore(file)) await takeScore(file)
        else takeRecording(file)
      } catch (error) {
        setProblem((error as Error).message)
      }
    }
  }

  async function takeScore(file: File) {
    const xmlContent = await readScore(file)
    const { songName } = store.getState().currentSession ?? {}
    edit({ xmlContent, songName: songName || titleOf(xmlContent) })
    setMessage('')
  }

  function takeRecording(file: File) {
    if (!/^(audio|video)\//.test(file.type)) {
      throw new Error(`${file.name} is neither a recording nor a MusicXML score.`)
    }
    if (recorder.status !== 'idle') throw new Error('Stop recording first, then add a file.')
    if (store.getState().currentSession?.audio) {
      throw new Error('Save or discard the recording that is here first, then add another.')
    }
    const { id } = edit({ audio: file, durationSeconds: 0 })
    drafts.append(id, 0, file).catch(noDraft)
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
      await drafts.forget(id).catch(noDraft)
      setMessage(outcome(store.getState().history.find((kept) => kept.id === id)))
    } catch (error) {
      setMessage('')
      setProblem(error instanceof StorageError ? reasonOf(error) : (error as Error).message)
      store.setState({ error: null }) // told here, where it can be mended
    } finally {
      setSaving(false)
    }
  }

  function discard() {
    if (!confirm('Discard this recording? It cannot be brought back.')) return
    const { id } = session!
    drafts.forget(id).catch(noDraft)
    store.getState().clearSession()
    // The server refused it once, so it waits.
    if (kept) {
      store
        .getState()
        .deleteSession(id)
        .catch(() => {})
    }
    setProblem('')
    setMessage('Discarded.')
  }

  const dragging = useDroppedFiles(take)
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
          {/* One button, so that it keeps the focus. */}
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
                  <RecordIcon /> Go on
                </button>
              )}
              <span className="elapsed" role="timer" aria-label="Elapsed time">
                {clock(recorder.seconds)}
              </span>
              {recorder.status === 'paused' && <em>tacet</em>}
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
            <FileButton label="Pick a recording" accept="audio/*,.webm,.m4a,.mp4" onPick={take} />
          )}
          {idle && !saving && (
            <FileButton
              label={session?.xmlContent ? 'Another score' : 'Add a score'}
              accept=".musicxml,.xml,.mxl"
              onPick={take}
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
        {/* All bytes are out a little before all is kept. */}
        {saving && (
          <progress
            aria-label="Upload"
            max={1}
            value={uploaded === null ? undefined : Math.min(uploaded, 0.99)}
          />
        )}
        <p role="status" className="hint">
          {dragging
            ? 'Let go to add it.'
            : message || 'A recording, a MusicXML score or both can also be dropped on this page.'}
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

function FileButton({
  label,
  accept,
  onPick
}: {
  label: string
  accept: string
  onPick: (files: File[]) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" onClick={() => input.current!.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        aria-label={label}
        onChange={({ target }) => {
          onPick([...target.files!])
          target.value = '' // the same file can be picked again
        }}
      />
    </>
  )
}

function Suggestions({ id, options }: { id: string; options: string[] }) {
  return (
    <datalist id={id}>
      {[...new Set(options)].slice(0, 50).map((option) => (
        <option key={option} value={option} />
      ))}
    </datalist>
  )
}

/** Takes files dropped anywhere: beside a target, the browser would leave the page for them. Answers whether some hover. */
function useDroppedFiles(take: (files: File[]) => void): boolean {
  const [dragging, setDragging] = useState(false)
  const taking = useRef(take)
  taking.current = take
  useEffect(() => {
    const stopping = new AbortController()
    addEventListener(
      'dragover',
      (event) => {
        if (!event.dataTransfer?.types.includes('Files')) return
        event.preventDefault()
        setDragging(true)
      },
      stopping
    )
    addEventListener(
      'dragleave',
      (event) => {
        if (!event.relatedTarget) setDragging(false)
      },
      stopping
    )
    addEventListener(
      'drop',
      (event) => {
        if (!event.dataTransfer?.types.includes('Files')) return
        event.preventDefault()
        setDragging(false)
        taking.current([...event.dataTransfer.files])
      },
      stopping
    )
    return () => stopping.abort()
  }, [])
  return dragging
}

function outcome(kept: SessionData | undefined): string {
  return kept?.pending ? 'Kept safely in this browser. It is sent as soon as that is possible.' : 'Saved.'
}

// A full disk or a browser without caches must not end a recording: then it is in memory only.
function noDraft(error: unknown) {
  console.warn('The draft is not kept:', error)
}
