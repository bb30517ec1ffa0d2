import { useSessions } from '../services/journal.ts'
import { DateField, MinutesField, NotesField } from '../shared/session-fields.tsx'
import type { PracticeForm } from './use-practice.ts'

/** Length, date, Save and Discard, once there is practice to save. Enter always presses Save. */
export function Finish({ form }: { form: PracticeForm }) {
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
      {saving && <UploadProgress />}
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
