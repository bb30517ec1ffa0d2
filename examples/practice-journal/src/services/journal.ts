import { createContext, useContext, useSyncExternalStore } from 'react'
import { createOutbox, type Outbox } from '@harmony-helper/client/offline'
import { createSessionStore, type SessionState } from '@harmony-helper/client/zustand'
import type { PracticeStorage } from '@harmony-helper/client'
import { syncUser } from './sync.ts'
import { createDrafts, type Drafts } from './drafts.ts'
import { createRecordings } from './recordings.ts'
import { storageService, acceptTokensOf, USE_MOCK } from './storageFactory.ts'

/** The services of one signed-in user, and the store that the components read. */
export type Journal = {
  store: ReturnType<typeof createSessionStore>
  service: PracticeStorage
  /** Undefined in mock mode, which needs no network. */
  outbox: Outbox | undefined
  drafts: Drafts
  /** Recordings to play without a network. Undefined in mock mode. */
  recordings: ReturnType<typeof createRecordings> | undefined
  close: () => void
  /** Does `work` while nothing is sent: see `Outbox`. */
  withoutSending: <T>(work: () => Promise<T>) => Promise<T>
  /**
   * Removes what this browser keeps of the account. Only with `unsent`, also what is not sent or not saved yet. Never
   * rejects.
   */
  forget: (options?: { unsent: boolean }) => Promise<void>
}

/** Creates the services of an account. Reloads the history when another tab or the outbox changes it. */
export function openJournal(account: string): Journal {
  acceptTokensOf(account)
  const outbox = USE_MOCK ? undefined : createOutbox(storageService, { account })
  const recordings = USE_MOCK ? undefined : createRecordings(account)
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
  if (!USE_MOCK) syncUser(closing.signal).catch(() => {})

  const drafts = createDrafts(account)
  return {
    store,
    service,
    outbox,
    drafts,
    recordings,
    withoutSending: (work) => (outbox ? outbox.withoutSending(work) : work()),
    async forget({ unsent } = { unsent: false }) {
      const removed = Promise.allSettled([
        outbox?.forget({ unsent }),
        recordings?.forget(),
        unsent && drafts.forget()
      ])
      await Promise.race([removed, sleep(FORGET_LIMIT_MS)])
    },
    close() {
      closing.abort()
      otherTabs.close()
      outbox?.close()
    }
  }
}

// A browser whose storage hangs must not keep anybody signed in.
const FORGET_LIMIT_MS = 3_000

const sleep = (milliseconds: number) =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })

export const JournalContext = createContext<Journal | null>(null)

export function useJournal(): Journal {
  const journal = useContext(JournalContext)
  if (!journal) throw new Error('useJournal needs a JournalContext')
  return journal
}

export function useSessions<T>(select: (state: SessionState) => T): T {
  return useJournal().store(select)
}

/** Whether the browser reports a network connection. */
export function useOnline(): boolean {
  return useSyncExternalStore(onConnection, () => navigator.onLine)
}

function onConnection(changed: () => void): () => void {
  const unsubscribed = new AbortController()
  for (const event of ['online', 'offline']) addEventListener(event, changed, unsubscribed)
  return () => unsubscribed.abort()
}
