import { useState } from 'react'
import type { SessionData } from '@harmony-helper/client'
import { messageFor } from '../shared/error-messages.ts'
import { useJournal } from '../services/journal.ts'

/** Refusals of the recording alone. */
const RECORDING_FAULTS = ['recording_unreadable', 'unsupported_recording', 'recording_too_large']

/** A session that was refused or stopped, with what the user can do about it. */
export function UnsentSession({ session }: { session: SessionData }) {
  const { store, outbox } = useJournal()
  const [trying, setTrying] = useState(false)
  const { id, songName, refusal } = session
  // Only the account's own list has this member. So the account has the session, and refused a change of it.
  const isInAccount = session.audioUrl !== undefined

  async function retry(withoutRecording = false) {
    setTrying(true)
    await store
      .getState()
      .retrySave(id, { withoutRecording })
      .catch(() => store.setState({ error: null })) // this component shows the error
    setTrying(false)
  }
  function saveWithoutRecording() {
    if (confirm(`Save “${songName}” without its recording? The recording cannot be restored.`)) retry(true)
  }
  function remove() {
    if (confirm(`Delete “${songName}”? It was never sent to your account. This cannot be undone.`)) {
      store
        .getState()
        .deleteSession(id)
        .catch(() => {})
    }
  }
  async function discardChange() {
    await outbox!.discard(id)
    await store.getState().load()
  }

  return (
    <>
      <p className={refusal ? 'problem' : 'hint'}>
        {refusal ? `Not saved: ${messageFor(refusal)}` : 'Stopped. It is only in this browser.'}
      </p>
      <div className="actions">
        <button type="button" onClick={() => retry()}>
          {refusal ? (trying ? 'Trying…' : 'Try again') : trying ? 'Sending…' : 'Send'}
        </button>
        {refusal && RECORDING_FAULTS.includes(refusal.code) && (
          <button type="button" onClick={saveWithoutRecording}>
            Save without the recording
          </button>
        )}
        {isInAccount ? (
          <button type="button" onClick={discardChange}>
            Discard the change
          </button>
        ) : (
          <button type="button" className="danger" onClick={remove}>
            Delete
          </button>
        )}
      </div>
    </>
  )
}
