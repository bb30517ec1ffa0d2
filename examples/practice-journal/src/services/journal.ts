import { createContext, useContext, useSyncExternalStore } from 'react'
import { createOutbox, type Outbox } from 'harmony-helper/client/offline'
import { createSessionStore, type SessionState } from 'harmony-helper/client/zustand'
import type { IStorageService } from 'harmony-helper/client'
import { createDrafts, type Drafts } from './drafts.ts'
import { storageService, USE_MOCK } from './storageFactory.ts'

/** Everything of one person: the store that the components show, and what is behind it. */
export type Journal = {
  store: ReturnType<typeof createSessionStore>
  service: IStorageService
  /** None in mock mode, which needs no network. */
  outbox: Outbox | undefined
  drafts: Drafts
  close: () => void
}

/** Opens the journal of whoever is signed in, and keeps it up to date with other tabs and a network that comes and goes. */
export function openJournal(account: string): Journal {
  const outbox = USE_MOCK ? undefined : createOutbox(storageService, { account })
  const service = outbox ?? storageService
  const store = createSessionStore(service)
  const load = () => {
    store.getState().load()
  }

  const otherTabs = new BroadcastChannel(`practice-journal:${account}`)
  otherTabs.onmessage = load
  outbox?.subscribe(() => {
    load()
    otherTabs.postMessage('changed')
  })
  const closing = new AbortController()
  for (const event of ['focus', 'online', 'offline', 'storage']) addEventListener(event, load, closing)
  load()

  return {
    store,
    service,
    outbox,
    drafts: createDrafts(account),
    close() {
      closing.abort()
      otherTabs.close()
      outbox?.close()
    }
  }
}

export const JournalContext = createContext<Journal | null>(null)

export function useJournal(): Journal {
  const journal = useContext(JournalContext)
  if (!journal) throw new Error('Only inside JournalContext')
  return journal
}

export function useSessions<T>(select: (state: SessionState) => T): T {
  return useJournal().store(select)
}

/** Whether the browser believes that there is a network. */
export function useOnline(): boolean {
  return useSyncExternalStore(onConnection, () => navigator.onLine)
}

function onConnection(changed: () => void): () => void {
  const stopping = new AbortController()
  for (const event of ['online', 'offline']) addEventListener(event, changed, stopping)
  return () => stopping.abort()
}
