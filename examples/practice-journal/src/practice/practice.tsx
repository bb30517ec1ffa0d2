import { useEffect, type FormEvent } from 'react'
import { clefOf } from '../shared/clef.tsx'
import { INSTRUMENTS, Suggestions } from '../shared/fields.tsx'
import { DateField, MinutesField, NotesField } from '../shared/session-fields.tsx'
import { Player } from '../player/player.tsx'
import { Score } from '../score/score.tsx'
import { useSessions } from '../services/journal.ts'
import { ACCEPTED_FILES, canDrop } from './files.ts'
import { LevelMeter } from './level-meter.tsx'
import { Additions, Transport } from './transport.tsx'
import { useDroppedFiles } from './use-dropped-files.ts'
import { usePractice, type PracticeForm } from './use-practice.ts'

/** The form for the current session: record it, time it or enter its minutes; name it; save it. */
export function Practice() {
  const form = usePractice()
  const { session, recorder, saving, said } = form
  const dragging = useDroppedFiles(form.addFiles)
  useFocusMoves(form)
  const idle = recorder.status === 'idle'
  const audio = idle ? session?.audio : undefined
  const instrument = session?.instrument ?? form.usualInstrument
  return (
    <section
      className={dragging ? 'card practice dragging' : 'card practice'}
      aria-labelledby="practice-title"
    >
      <h2 id="practice-title" tabIndex={-1}>
        Practise
      </h2>
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault()
          form.save()
        }}
      >
        <NameFields form={form} instrument={instrument} />
        {audio ? (
          <Player
            id="your-recording"
            key={session?.id}
            recording={audio}
            label="Your recording"
            onLength={(length) => {
              if (!session?.durationSeconds) form.edit({ durationSeconds: Math.round(length) })
            }}
          />
        ) : (
          <LevelMeter
            analyser={recorder.analyser}
            running={recorder.status === 'recording'}
            clef={clefOf(instrument)}
          />
        )}
        <Transport form={form} />
        <Finish form={form} />
        {saving && <UploadProgress />}
        <p role="status" className="hint">
          {dragging ? 'Drop to add.' : said.message}
        </p>
        {said.problem && (
          <p role="alert" className="problem">
            {said.problem}
          </p>
        )}
        <Additions form={form} describedBy="accepted-files" />
        <p id="accepted-files" className="hint small">
          {ACCEPTED_FILES}
          {canDrop && ' You can also drop files on this page.'}
        </p>
      </form>
      {session?.xmlContent && <Score xml={session.xmlContent} title={session.songName || 'this piece'} />}
    </section>
  )
}

function NameFields({ form, instrument }: { form: PracticeForm; instrument: string }) {
  const history = useSessions((state) => state.history)
  const { session, saving, edit } = form
  return (
    <div className="fields">
      <label>
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
          value={instrument}
          onChange={({ target }) => edit({ instrument: target.value })}
        />
      </label>
      <Suggestions id="pieces" options={history.map(({ songName }) => songName)} />
      <Suggestions
        id="instruments"
        options={[...history.map(({ instrument }) => instrument), ...INSTRUMENTS]}
      />
    </div>
  )
}

/** Length, date, Save and Discard, once there is practice to save. Enter always presses Save. */
function Finish({ form }: { form: PracticeForm }) {
  const { session, saving, recorder, timer, minutesShown, setSeconds, discard } = form
  const running = recorder.status !== 'idle' || timer.since !== null
  const shown = !running && (minutesShown || Boolean(session?.audio) || Boolean(session?.durationSeconds))
  if (!shown) return <button className="sr-only" tabIndex={-1} aria-hidden="true" />
  return (
    <>
      <div className="fields finish">
        <MinutesField
          id="minutes"
          seconds={session?.durationSeconds ?? 0}
          readOnly={saving}
          required={!session?.audio}
          onChange={setSeconds}
        />
        <DateField
          date={session?.date ?? new Date().toISOString()}
          readOnly={saving}
          onChange={(date) => form.edit({ date })}
        />
      </div>
      <NotesField
        notes={session?.notes ?? null}
        readOnly={saving}
        onChange={(notes) => form.edit({ notes: notes || null })}
      />
      <div className="transport">
        <button className="primary" aria-disabled={saving}>
          {saving ? 'Saving…' : 'Save'}
        </button>
        {!saving && (
          <button type="button" onClick={discard}>
            {session?.audio || session?.durationSeconds ? 'Discard' : 'Cancel'}
          </button>
        )}
      </div>
    </>
  )
}

/** Below 1 until the server confirms: the upload ends before the save. */
function UploadProgress() {
  const uploaded = useSessions((state) => state.uploadProgress)
  return (
    <progress aria-label="Upload" max={1} value={uploaded === null ? undefined : Math.min(uploaded, 0.99)} />
  )
}

/** Moves the focus when the element that had it is gone. */
function useFocusMoves({ focus, moveFocus }: PracticeForm) {
  useEffect(() => {
    if (!focus) return
    const target = { recording: '#your-recording', minutes: '#minutes', title: '#practice-title' }[focus]
    // A musician who is typing elsewhere keeps the focus.
    if (focus === 'minutes' || !document.activeElement || document.activeElement === document.body) {
      document.querySelector<HTMLElement>(target)?.focus({ preventScroll: focus === 'title' })
    }
    moveFocus(null)
  }, [focus, moveFocus])
}
