import { useEffect, type FormEvent } from 'react'
import { clefOf } from '../shared/clef.tsx'
import { Player } from '../player/player.tsx'
import { Score } from '../score/score.tsx'
import { ACCEPTED_FILES, canDrop } from './files.ts'
import { Finish } from './finish.tsx'
import { LevelMeter } from './level-meter.tsx'
import { NameFields } from './name-fields.tsx'
import { Additions, Transport } from './transport.tsx'
import { useDroppedFiles } from './use-dropped-files.ts'
import { usePractice, type PracticeForm } from './use-practice.ts'

/** The form for the current session: record it, time it or enter its minutes; name it; save it. */
export function Practice() {
  const form = usePractice()
  const { session, recorder, announcement } = form
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
        <p role="status" className="hint">
          {dragging ? 'Drop to add.' : announcement.message}
        </p>
        {announcement.problem && (
          <p role="alert" className="problem">
            {announcement.problem}
          </p>
        )}
        <Additions form={form} describedBy="accepted-files" />
        {idle && (
          <p id="accepted-files" className="hint small">
            {ACCEPTED_FILES}
            {canDrop && ' You can also drop files on this page.'}
          </p>
        )}
      </form>
      {session?.xmlContent && <Score xml={session.xmlContent} title={session.songName || 'this piece'} />}
    </section>
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
