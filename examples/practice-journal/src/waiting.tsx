import { useState } from 'react'
import { timeOfDay, dayName } from './format.ts'
import { reasonOf } from './refusals.ts'
import { useJournal, useOnline, useSessions } from './services/journal.ts'

/** What has not reached the account yet, and why. */
export function Waiting() {
  const { outbox, store } = useJournal()
  const history = useSessions((state) => state.history)
  const current = useSessions((state) => state.currentSession)
  const [sending, setSending] = useState(false)
  // What is being saved right now shows its progress where it was recorded.
  const waiting = history.filter(({ id, pending }) => pending && id !== current?.id).reverse()
  const refused = waiting.filter(({ refusal }) => refusal)
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
        {refused.length > 0 && `Not accepted: ${refused.map(({ songName }) => songName).join(', ')}.`}
      </p>
      {waiting.length > 0 && (
        <section className="card" aria-labelledby="waiting-title">
          <h2 id="waiting-title">{refused.length === waiting.length ? 'Not sent' : 'On its way'}</h2>
          <ul className="plain">
            {waiting.map((session) => (
              <li key={session.id}>
                <strong>{session.songName}</strong>{' '}
                <span className="hint">
                  {dayName(session.date)}, {timeOfDay(session.date)}
                </span>
                {session.refusal ? (
                  <Refused id={session.id} name={session.songName} reason={reasonOf(session.refusal)} />
                ) : (
                  <Reason />
                )}
              </li>
            ))}
          </ul>
          {online && !isSignedOut(error) && refused.length < waiting.length && (
            <button type="button" disabled={sending} onClick={send}>
              {sending ? 'Sending…' : 'Send now'}
            </button>
          )}
        </section>
      )}
    </>
  )
}

function Reason() {
  const error = useSessions((state) => state.error)
  const online = useOnline()
  if (!online) return <p className="hint">It waits for the network.</p>
  return (
    <p className="hint">
      {isSignedOut(error)
        ? 'It waits for you to sign in.'
        : 'It waits for the server, and is sent by itself.'}
    </p>
  )
}

/** Only the person can tell what becomes of what the server refused. */
function Refused({ id, name, reason }: { id: string; name: string; reason: string }) {
  const { store } = useJournal()
  const [trying, setTrying] = useState(false)

  async function retry() {
    setTrying(true)
    await store
      .getState()
      .retrySave(id)
      .catch(() => store.setState({ error: null })) // the reason is shown here
    setTrying(false)
  }
  function remove() {
    if (confirm(`Delete “${name}”? It was never sent, and cannot be brought back.`)) {
      store
        .getState()
        .deleteSession(id)
        .catch(() => {})
    }
  }

  return (
    <>
      <p className="problem">Not accepted: {reason}</p>
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

/** The sign-in has ended and cannot be renewed in silence; without a network, that cannot be told. */
export function isSignedOut(error: Error | null): boolean {
  return error !== null && 'status' in error && error.status === 401
}
