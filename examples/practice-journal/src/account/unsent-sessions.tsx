import { useState } from 'react'
import { timeOfDay, dayName } from '../shared/format.ts'
import { messageFor } from '../shared/error-messages.ts'
import { useJournal, useOnline, useSessions } from '../services/journal.ts'

/** Sessions that are not in the account yet, with the reason. */
export function UnsentSessions() {
  const { outbox, store } = useJournal()
  const history = useSessions((state) => state.history)
  const current = useSessions((state) => state.currentSession)
  const [sending, setSending] = useState(false)
  // The practice form shows the progress of the session that is being saved.
  const unsent = history.filter(({ id, pending }) => pending && id !== current?.id).reverse()
  const refused = unsent.filter(({ refusal }) => refusal)
  const error = useSessions((state) => state.error)
  const online = useOnline()
  if (!outbox) return null

  async function send() {
    setSending(true)
    await outbox!.flush()
    await store.getState().load()
    setSending(false)
  }

  return (
    <>
      <p className="sr-only" role="status">
        {refused.length > 0 && `Not saved: ${refused.map(({ songName }) => songName).join(', ')}.`}
      </p>
      {unsent.length > 0 && (
        <section className="card" aria-labelledby="unsent-title">
          <h2 id="unsent-title">{refused.length === unsent.length ? 'Not saved' : 'Waiting to be sent'}</h2>
          <ul className="plain">
            {unsent.map((session) => (
              <li key={session.id}>
                <strong>{session.songName}</strong>{' '}
                <span className="hint">
                  {dayName(session.date)}, {timeOfDay(session.date)}
                </span>
                {session.refusal ? (
                  <Refused id={session.id} name={session.songName} reason={messageFor(session.refusal)} />
                ) : (
                  <WaitingReason />
                )}
              </li>
            ))}
          </ul>
          {online && !isSignedOut(error) && refused.length < unsent.length && (
            <button type="button" disabled={sending} onClick={send}>
              {sending ? 'Sending…' : 'Send now'}
            </button>
          )}
        </section>
      )}
    </>
  )
}

function WaitingReason() {
  const error = useSessions((state) => state.error)
  const online = useOnline()
  if (!online) return <p className="hint">Will be sent when you are online.</p>
  return (
    <p className="hint">
      {isSignedOut(error) ? 'Will be sent when you sign in.' : 'Will be sent when the server is available.'}
    </p>
  )
}

/** Lets the user retry or delete a session that the server refused. */
function Refused({ id, name, reason }: { id: string; name: string; reason: string }) {
  const { store } = useJournal()
  const [trying, setTrying] = useState(false)

  async function retry() {
    setTrying(true)
    await store
      .getState()
      .retrySave(id)
      .catch(() => store.setState({ error: null })) // this component shows the error
    setTrying(false)
  }
  function remove() {
    if (confirm(`Delete “${name}”? It was never sent to your account. This cannot be undone.`)) {
      store
        .getState()
        .deleteSession(id)
        .catch(() => {})
    }
  }

  return (
    <>
      <p className="problem">Not saved: {reason}</p>
      <div className="actions">
        <button type="button" onClick={retry}>
          {trying ? 'Trying…' : 'Try again'}
        </button>
        <button type="button" className="danger" onClick={remove}>
          Delete
        </button>
      </div>
    </>
  )
}

/** Whether the sign-in has expired and could not be renewed. */
export function isSignedOut(error: Error | null): boolean {
  return error !== null && 'status' in error && error.status === 401
}
