import { useEffect, useRef, useState, type FormEvent } from 'react'
import { StorageError, type SessionChanges, type SessionData } from '@harmony-helper/client'
import { messageFor } from '../shared/error-messages.ts'
import { DateField, MinutesField, NotesField } from '../shared/session-fields.tsx'
import { useJournal } from '../services/journal.ts'

type Edited = Required<Pick<SessionData, 'songName' | 'instrument' | 'date' | 'durationSeconds' | 'notes'>>

type Props = { session: SessionData; onClose: (changed: boolean) => void }

/** Changes the piece, instrument, date, length and notes of a saved session. Sends only what was changed. */
export function EditForm({ session, onClose }: Props) {
  const { store } = useJournal()
  const [edited, setEdited] = useState<Edited>(() => editable(session))
  const [saving, setSaving] = useState(false)
  const [problem, setProblem] = useState('')
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => first.current?.focus(), [])
  const change = (changes: Partial<Edited>) => setEdited({ ...edited, ...changes })

  async function save(event: FormEvent) {
    event.preventDefault()
    if (saving) return
    setSaving(true)
    setProblem('')
    try {
      const changes = changesOf(editable(session), edited)
      if (Object.keys(changes).length > 0) await store.getState().updateSession(session.id, changes)
      onClose(true)
    } catch (error) {
      setProblem(error instanceof StorageError ? messageFor(error) : (error as Error).message)
      store.setState({ error: null }) // shown here, where the user can correct the input
      setSaving(false)
    }
  }

  return (
    <form className="edit" aria-label={`Edit ${session.songName}`} onSubmit={save}>
      <div className="fields">
        <label>
          Piece
          <input
            ref={first}
            required
            maxLength={300}
            list="pieces"
            autoComplete="off"
            value={edited.songName}
            onChange={({ target }) => change({ songName: target.value })}
          />
        </label>
        <label>
          Instrument
          <input
            required
            maxLength={300}
            list="instruments"
            autoComplete="off"
            value={edited.instrument}
            onChange={({ target }) => change({ instrument: target.value })}
          />
        </label>
      </div>
      <div className="fields finish">
        <MinutesField
          seconds={edited.durationSeconds}
          onChange={(durationSeconds) => change({ durationSeconds })}
        />
        <DateField date={edited.date} onChange={(date) => change({ date })} />
      </div>
      <NotesField notes={edited.notes} onChange={(notes) => change({ notes })} />
      <div className="actions">
        <button className="primary" aria-disabled={saving}>
          {saving ? 'Saving…' : 'Save changes'}
        </button>
        {!saving && (
          <button type="button" onClick={() => onClose(false)}>
            Cancel
          </button>
        )}
      </div>
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
    </form>
  )
}

function editable({ songName, instrument, date, durationSeconds, notes = null }: SessionData): Edited {
  return { songName, instrument, date, durationSeconds, notes }
}

/** The members that differ. Empty notes are none. */
function changesOf(before: Edited, after: Edited): SessionChanges {
  const notes = after.notes?.trim() ? after.notes : null
  return Object.fromEntries(
    Object.entries({ ...after, notes }).filter(([name, value]) => value !== before[name as keyof Edited])
  )
}
