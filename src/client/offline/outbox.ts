import { systemClock, type Clock } from '../clock.ts'
import { isTransient } from '../request-retry.ts'
import { newestFirst } from '../session-order.ts'
import {
  StorageError,
  type CallOptions,
  type DayRange,
  type PracticeStorage,
  type SaveOptions,
  type SessionChanges,
  type SessionData
} from '../storage-service.ts'
import { withDeadline } from '../time-limit.ts'
import { createDelivery } from './delivery.ts'
import { createLock } from './lock.ts'
import {
  addChanges,
  addDeletion,
  addSave,
  dropRefused,
  startAgain,
  toSession,
  withQueue,
  type Pending,
  type QueueItem
} from './queue-item.ts'
import { createQueueStorage } from './queue-storage.ts'

export type OutboxOptions = {
  /** The user's id (Auth0's `sub`). Each account has its own queue, because users may share a browser. */
  account: string
  indexedDB?: IDBFactory
  locks?: LockManager | undefined
  clock?: Clock
  /** Dispatches the `online` event. Default: the window. */
  events?: EventTarget
  isOnline?: () => boolean
}

export interface Outbox extends PracticeStorage {
  /**
   * Tries now to deliver everything that waits, whatever the browser reports about the network. Resolves when
   * that is done or has failed; never rejects.
   */
  flush(): Promise<void>
  /** Tries one session again that was refused or is delayed. Rejects when it is refused again. */
  retry(id: string): Promise<void>
  /** Gives up the refused change or deletion of a session. A save that is not delivered stays. */
  discard(id: string): Promise<void>
  /**
   * Calls `listener` when a session was delivered, refused or set aside, so that the history can be reloaded.
   * Returns a function that unsubscribes.
   */
  subscribe(listener: () => void): () => void
  /** Stops deliveries in this page; call it at logout. Queued sessions remain in the queue. */
  close(): void
}

// While the browser reports no network, which may be wrong, the last known history is shown after this time.
const OFFLINE_LIMIT_MS = 2_000

/**
 * Adds offline support to a storage service (an `ApiStorageService`) with a queue in IndexedDB.
 *
 * - `saveSession`, `updateSession` and `deleteSession` first queue what they are to do. They resolve when it is
 *   delivered or, without a connection, queued, and reject when the server refuses it. A refused save stays in
 *   the queue until it is saved again or deleted; a refused change or deletion is given up. What waits for one
 *   session is merged, delivered in order and once, however many tabs are open, also after the tab was closed.
 *   A signal stops only what is not queued yet. When this browser can store nothing, the service is called
 *   directly.
 * - A session that keeps failing while others can be delivered is set aside (`pending: 'delayed'`, with the
 *   reason in `refusal`) and tried again later.
 * - `getSessions` and `getSessionById` include what waits. Without a network they show the last loaded history.
 * - `getUserStats` and `getPracticeDays` count delivered sessions only and need the network.
 */
export function createOutbox(service: PracticeStorage, options: OutboxOptions): Outbox {
  const { account, indexedDB, clock = systemClock, events = globalThis, isOnline = browserIsOnline } = options
  const locks = 'locks' in options ? options.locks : globalThis.navigator?.locks
  const name = `harmony-helper-outbox:${account}`
  const queue = createQueueStorage(indexedDB, name)
  const lock = createLock(name, { locks, indexedDB, clock })
  const listeners = new Set<() => void>()
  const delivery = createDelivery({
    service,
    queue,
    lock,
    clock,
    isOnline,
    onChange: () => listeners.forEach((listener) => listener())
  })

  const flush = () => delivery.flush(true)
  // During server rendering there are no events and no queue.
  events.addEventListener?.('online', flush)
  if (indexedDB || 'indexedDB' in globalThis) delivery.start()

  /** Returns false when this browser can store nothing. */
  async function enqueue(
    id: string,
    next: (item: QueueItem | undefined) => Pending | undefined
  ): Promise<boolean> {
    try {
      await queue.update(id, next)
      return true
    } catch (error) {
      if ((error as StorageError).code === 'session_not_found') throw error
      return false
    }
  }

  /** Rejects when the session was refused. */
  async function throwRefusal(id: string): Promise<void> {
    const refusal = (await queue.find(id))?.refusal
    if (refusal) throw new StorageError(refusal.status, refusal.code, refusal.detail)
  }

  /** Delivers a change or deletion, and gives it up when it is refused. */
  async function deliver(id: string): Promise<void> {
    await delivery.start()
    await throwRefusal(id).catch(async (error) => {
      if (error.code !== 'storage_blocked') await discard(id)
      throw error
    })
  }

  const discard = (id: string) => queue.update(id, dropRefused)

  return {
    async saveSession({ pending, refusal: _, ...session }: SessionData, options: SaveOptions = {}) {
      const { signal, onProgress } = options
      signal?.throwIfAborted()
      if (!(await enqueue(session.id, (item) => addSave(item, session)))) {
        return service.saveSession(session, options)
      }
      await delivery.start(session.id, onProgress)
      await throwRefusal(session.id)
    },

    async updateSession(id: string, changes: SessionChanges, options: CallOptions = {}) {
      options.signal?.throwIfAborted()
      if (await enqueue(id, (item) => addChanges(item, changes))) return deliver(id)
      await service.updateSession(id, changes, options)
    },

    async deleteSession(id: string, options: CallOptions = {}) {
      options.signal?.throwIfAborted()
      if (await enqueue(id, addDeletion)) return deliver(id)
      await service.deleteSession(id, options)
    },

    async getSessions(options?: CallOptions) {
      // Read the queue first: a session that is delivered in between is then in both lists instead of in
      // none. Without the queue, the account's history is all there is.
      const items = await queue.all().catch(() => [])
      return newestFirst(withQueue(await fetchHistory(options, items), items))
    },

    async getSessionById(id: string, options?: CallOptions) {
      const item = await queue.find(id).catch(() => undefined)
      if (item?.remove && !item.session && !item.refusal) return null
      const session = item?.session ?? (await service.getSessionById(id, options))
      return item && session ? toSession(item, session) : session
    },

    getUserStats: (options?: CallOptions) => service.getUserStats(options),

    getPracticeDays: (range: DayRange, options?: CallOptions) => service.getPracticeDays(range, options),

    flush,

    async retry(id: string) {
      await queue.update(id, startAgain)
      await flush()
      await throwRefusal(id)
    },

    discard,

    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },

    close() {
      events.removeEventListener?.('online', flush)
      delivery.close()
    }
  }

  /**
   * The account's history. Without a connection: the last loaded one, or none if the queue alone can be
   * shown.
   */
  async function fetchHistory(options: CallOptions = {}, items: QueueItem[]): Promise<SessionData[]> {
    const { signal } = options
    try {
      const history = await (isOnline()
        ? service.getSessions(options)
        : withDeadline(OFFLINE_LIMIT_MS, signal, (deadline) => service.getSessions({ signal: deadline })))
      await queue.cacheHistory(history).catch(() => {}) // a full disk must not hide the history
      return history
    } catch (error) {
      signal?.throwIfAborted()
      if (!isDisconnected(error)) throw error
      const cached = await queue.cachedHistory().catch(() => undefined)
      if (!cached && items.length === 0) throw error
      return cached ?? []
    }
  }
}

// Without a network, Auth0 often returns no token. Any other error than a StorageError is that of the
// deadline.
function isDisconnected(error: unknown): boolean {
  return !(error instanceof StorageError) || error.code === 'no_token' || isTransient(error)
}

function browserIsOnline(): boolean {
  return globalThis.navigator?.onLine !== false
}
