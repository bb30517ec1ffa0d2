import { FileButton } from '../shared/fields.tsx'
import { formatClock } from '../shared/format.ts'
import { PauseIcon, RecordIcon, StopIcon, TimerIcon } from '../shared/icons.tsx'
import { useElapsedSeconds } from './timer.ts'
import type { PracticeForm } from './use-practice.ts'

/** The buttons of the form for recording and timing. Each keeps its element, and so the focus. */
export function Transport({ form }: { form: PracticeForm }) {
  const { session, recorder, timer } = form
  const timing = timer.since !== null
  const elapsed = useElapsedSeconds(timer)
  const recording = recorder.status !== 'idle'
  if (session?.audio && !recording) return null
  return (
    <div className="transport">
      {!timing && (
        <button type="button" className="record" onClick={recording ? recorder.stop : form.record}>
          {recording ? <StopIcon /> : <RecordIcon />} {recording ? 'Stop' : 'Record'}
        </button>
      )}
      {recording ? (
        <PauseButton form={form} />
      ) : (
        <button type="button" onClick={timing ? form.stopTimer : form.startTimer}>
          {timing ? <StopIcon /> : <TimerIcon />}{' '}
          {timing ? 'Stop timer' : timer.counted > 0 ? 'Continue timer' : 'Start timer'}
        </button>
      )}
      {(recording || timing) && (
        <span className="elapsed" role="timer" aria-label="Elapsed time">
          {formatClock(recording ? recorder.seconds : elapsed)}
        </span>
      )}
    </div>
  )
}

function PauseButton({ form: { recorder, pause, resume } }: { form: PracticeForm }) {
  const paused = recorder.status === 'paused'
  return (
    <button type="button" onClick={paused ? resume : pause}>
      {paused ? <RecordIcon /> : <PauseIcon />} {paused ? 'Resume' : 'Pause'}
    </button>
  )
}

/** Buttons for what a practice can have besides: minutes, a recording from a file, a score. */
export function Additions({ form, describedBy }: { form: PracticeForm; describedBy: string }) {
  const { session, recorder, timer, saving, showMinutes, addFiles, removeScore } = form
  const idle = recorder.status === 'idle' && !saving
  if (!idle) return null
  const withoutRecording = !session?.audio && timer.since === null
  return (
    <div className="additions">
      {withoutRecording && !session?.durationSeconds && !form.minutesShown && (
        <button type="button" onClick={showMinutes}>
          Enter minutes
        </button>
      )}
      {withoutRecording && (
        <FileButton
          label="Choose a recording"
          accept="audio/*,.webm,.m4a,.mp4"
          describedBy={describedBy}
          onPick={addFiles}
        />
      )}
      <FileButton
        label={session?.xmlContent ? 'Replace the score' : 'Add a score'}
        accept=".musicxml,.xml,.mxl"
        describedBy={describedBy}
        onPick={addFiles}
      />
      {session?.xmlContent && (
        <button type="button" onClick={removeScore}>
          Remove the score
        </button>
      )}
    </div>
  )
}
