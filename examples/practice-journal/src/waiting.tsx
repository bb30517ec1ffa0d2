import { useState } from 'react'
import type { SessionData } from 'harmony-helper/client'
import { timeOfDay, dayName } from './format.ts'
import { useJournal, useOnline, useSessions } from './services/journal.ts'

/** What has not reached the account yet, and why. */
export function Waiting () {
  const { outbox, store } = useJournal()
  const history = useSessions(state => state.history)
  const current = useSessions(state => state.currentSession)
  const [sending, setSending] = useState(false)
  // What is being saved right now shows its progress where it was recorded.
  const waiting = history.filter(({ id, pending }) => pending && id !== current?.id).reverse()
  if (!outbox || waiting.length === 0) return null

  async function send () {
    setSending(true)
    await outbox!.flush()
    await store.getState().load()
    setSending(false)
  }

  return (
    <section className='card' aria-labelledby='waiting-title'>
      <h2 id='waiting-title'>On its way</h2>
      <ul className='plain'>
        {waiting.map(session => (
          <li key={session.id}>
            <strong>{session.songName}</strong> <span className='hint'>{dayName(session.date)}, {timeOfDay(session.date)}</span>
            <Reason session={session} />
          </li>
        ))}
      </ul>
      {waiting.some(({ pending }) => pending === 'waiting') && <button type='button' disabled={sending} onClick={send}>{sending ? 'Sending…' : 'Send now'}</button>}
    </section>
  )
}

function Reason ({ session: { id, refusal } }: { session: SessionData }) {
  const { store } = useJournal()
  const error = useSessions(state => state.error)
  const online = useOnline()
  if (!refusal) {
    const reason = !online
      ? 'It waits for the network.'
      : isSignedOut(error) ? 'It waits for you to sign in.' : 'It waits for the server, and is sent by itself.'
    return <p className='hint'>{reason}</p>
  }
  return (
    <>
      <p className='problem'>Not accepted: {refusal.detail}</p>
      <button type='button' onClick={() => store.getState().retrySave(id).catch(() => {})}>Try again</button>
    </>
  )
}

/** The sign-in has ended and cannot be renewed in silence; without a network, that cannot be told. */
export function isSignedOut (error: Error | null): boolean {
  return error !== null && 'status' in error && error.status === 401
}
