import { useState } from 'react'
import type { SessionData } from '@harmony-helper/client'
import { timeOfDay, dayName } from '../shared/format.ts'
import { useJournal, useOnline, useSessions } from '../services/journal.ts'
import { UnsentSession } from './unsent-session.tsx'

/** Sessions that are not in the account yet, with the reason. */
export function UnsentSessions() {
  const { outbox, store } = useJournal()
  const history = useSessions((state) => state.history)
  const current = useSessions((state) => state.currentSession)
  const [sending, setSending] = useState(false)
  const sendingId = useSessions((state) => state.sendingId)
  const isWaiting = ({ id, pending }: SessionData) => pending === 'waiting' && id !== sendingId
  // The practice form has the session that is being saved.
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
          <h2 id="unsent-title">{titleOf(unsent, online ? sendingId : null)}</h2>
          <ul className="plain">
            {unsent.map((session) => (
              <li key={session.id}>
                <strong>{session.songName}</strong>{' '}
                <span className="hint">
                  {dayName(session.date)}, {timeOfDay(session.date)}
                </span>
                <State session={session} />
              </li>
            ))}
          </ul>
          {online && !isSignedOut(error) && unsent.some(isWaiting) && (
            <button type="button" disabled={sending} onClick={send}>
              {sending ? 'Sending…' : 'Send now'}
            </button>
          )}
        </section>
      )}
    </>
  )
}

function State({ session }: { session: SessionData }) {
  const { id, pending, refusal } = session
  const online = useOnline()
  const sendingId = useSessions((state) => state.sendingId)
  if (refusal || pending === 'stopped') return <UnsentSession session={session} />
  return online && sendingId === id ? <Upload id={id} /> : <WaitingReason />
}

/** Below 1 until the server confirms: the upload ends before the save. */
function Upload({ id }: { id: string }) {
  const { store } = useJournal()
  const uploaded = useSessions((state) => state.uploadProgress)
  return (
    <div className="upload">
      <progress
        aria-label="Upload"
        max={1}
        value={uploaded === null ? undefined : Math.min(uploaded, 0.99)}
      />
      <button type="button" onClick={() => store.getState().stopSending(id)}>
        Stop
      </button>
    </div>
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

function titleOf(unsent: SessionData[], sendingId: string | null): string {
  if (unsent.every(({ id }) => id === sendingId)) return 'Sending'
  if (unsent.every(({ refusal }) => refusal)) return 'Not saved'
  return unsent.every(({ pending }) => pending === 'stopped') ? 'Not sent' : 'Waiting to be sent'
}

/** Whether the sign-in has expired and could not be renewed. */
export function isSignedOut(error: Error | null): boolean {
  return error !== null && 'status' in error && error.status === 401
}
