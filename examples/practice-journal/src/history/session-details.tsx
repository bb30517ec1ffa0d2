import { useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import type { SessionData } from '@harmony-helper/client'
import { Scores } from '../score/scores.tsx'
import { useJournal } from '../services/journal.ts'
import { downloadRecording, downloadScore } from './download.ts'
import { EditForm } from './edit-form.tsx'
import { Feedback } from './feedback.tsx'
import { useSession } from './use-session.ts'

/** One session in full: feedback, scores, downloads and deletion. */
export function SessionDetails({ id, onDelete }: { id: string; onDelete: () => void }) {
  const { session, problem, reload } = useSession(id)
  if (session) return <Details session={session} onChange={reload} onDelete={onDelete} />
  const missing = session === null && 'This session was deleted in another tab or on another device.'
  return (
    <div className="details">
      <p role="status" className={problem ? 'problem' : 'hint'}>
        {problem || missing || 'Loading…'}
      </p>
      {problem && (
        <div className="actions">
          <button type="button" onClick={reload}>
            Try again
          </button>
        </div>
      )}
    </div>
  )
}

type DetailsProps = { session: SessionData; onChange: () => void; onDelete: () => void }

function Details({ session, onChange, onDelete }: DetailsProps) {
  const { service } = useJournal()
  const [scoreShown, setScoreShown] = useState(false)
  const [problem, setProblem] = useState('')
  const [editing, setEditing] = useState(false)
  const editButton = useRef<HTMLButtonElement>(null)
  const { id, songName, xmlContent, analysis, notes } = session
  const recording = session.audio ?? session.audioUrl
  const markedXml = analysis?.markedXml

  async function saveRecording() {
    const renew = async () => (await service.getSessionById(id))?.audioUrl
    await downloadRecording(recording!, songName, renew).catch(() =>
      setProblem('The recording cannot be downloaded right now. Try again later.')
    )
  }

  function closeForm(changed: boolean) {
    flushSync(() => setEditing(false)) // the button is shown before it gets the focus
    editButton.current?.focus()
    if (changed) onChange()
  }

  return (
    <div className="details">
      {!recording && <p className="hint">No recording.</p>}
      {analysis && <Feedback analysis={analysis} />}
      {notes && !editing && <p className="notes">{notes}</p>}
      {editing && <EditForm session={session} onClose={closeForm} />}
      <div className="actions">
        {(xmlContent || markedXml) && (
          <button type="button" aria-expanded={scoreShown} onClick={() => setScoreShown(!scoreShown)}>
            {scoreShown ? 'Hide score' : 'Show score'}
          </button>
        )}
        {xmlContent && (
          <button type="button" onClick={() => downloadScore(xmlContent, songName)}>
            Download score
          </button>
        )}
        {markedXml && (
          <button type="button" onClick={() => downloadScore(markedXml, `${songName} (marked)`)}>
            Download marked score
          </button>
        )}
        {recording && (
          <button type="button" onClick={saveRecording}>
            Download recording
          </button>
        )}
        <button type="button" ref={editButton} hidden={editing} onClick={() => setEditing(true)}>
          Edit
        </button>
        <button type="button" className="danger" onClick={onDelete}>
          Delete
        </button>
      </div>
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      {scoreShown && <Scores clean={xmlContent} marked={markedXml} title={songName} />}
    </div>
  )
}
