import { useEffect, useState } from 'react'
import type { SessionData } from '@harmony-helper/client'
import { useOnline, useSessions } from '../services/journal.ts'
import type { Announce } from './use-announcement.ts'

/**
 * Tells what becomes of the session that was saved last, until the next one is begun: it is kept in the browser,
 * then sent to the account.
 */
export function useOutcome(announce: Announce) {
  const [id, follow] = useState<string>()
  const isFree = useSessions((state) => state.currentSession === null)
  const saved = useSessions((state) => state.history.find((session) => session.id === id))
  const sending = useSessions((state) => state.sendingId === id)
  const online = useOnline()
  const message = saved && messageOf(saved, sending && online)
  useEffect(() => {
    if (isFree && message !== undefined) announce((shown) => ({ ...shown, message }))
  }, [id, isFree, message])
  return { follow }
}

function messageOf({ pending }: SessionData, sending: boolean): string {
  if (!pending) return 'Saved.'
  if (pending === 'refused') return '' // the list of what is not saved tells it
  if (pending === 'stopped') return 'Saved in this browser only.'
  return `Saved in this browser. It ${sending ? 'is being' : 'will be'} sent to your account${sending ? '' : ' later'}.`
}
