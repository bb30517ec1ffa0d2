import type { Clock } from '../clock.ts'
import type { PracticeStorage, Progress } from '../storage-service.ts'

/** A save that is being sent. `progress`: of its upload, once it is known. */
export type Sending = { id: string; progress?: Progress }

export type OutboxOptions = {
  /** The user's id (Auth0's `sub`). Each account has its own queue, because users may share a browser. */
  account: string
  indexedDB?: IDBFactory
  locks?: LockManager | undefined
  clock?: Clock
  /** Dispatches the `online` event. Default: the window. */
  events?: EventTarget
  isOnline?: () => boolean
  /** In which days begin, as for the service. Default: the browser's. */
  timeZone?: string
}

export interface Outbox extends PracticeStorage {
  /**
   * Tries now to deliver everything that waits, whatever the browser reports about the network. Resolves when
   * that is done or has failed; never rejects.
   */
  flush(): Promise<void>
  /** Tries one session again that was refused or is delayed. Rejects when it is refused again. */
  retry(id: string): Promise<void>
  /**
   * Stops sending a session. It stays in this browser with `pending: 'stopped'` until `retry`, which continues a
   * large upload, or until it is saved again or deleted.
   */
  stop(id: string): Promise<void>
  /** Gives up the refused change or deletion of a session. A save that is not delivered stays. */
  discard(id: string): Promise<void>
  /**
   * Calls `listener` when a session was delivered, refused or delayed, so that the history can be reloaded.
   * Returns a function that unsubscribes.
   */
  subscribe(listener: () => void): () => void
  /**
   * Calls `listener` when this page begins to send a save, with its progress, and with undefined when that ends.
   * Returns a function that unsubscribes.
   */
  onSending(listener: (sending?: Sending) => void): () => void
  /**
   * Does `work` while nothing is sent, in this and in other tabs; this page interrupts what it is sending. For the
   * deletion of the account: a save that arrives later would create it again. Call `forget` within `work`.
   */
  withoutSending<T>(work: () => Promise<T>): Promise<T>
  /** Stops deliveries in this page; call it when the page closes the journal. */
  close(): void
  /**
   * Closes, and removes what this browser keeps of the account's history, stats and sessions; call it at
   * logout. What waits remains in the queue, except with `unsent`, for after the account was deleted.
   */
  forget(options?: { unsent?: boolean }): Promise<void>
}
