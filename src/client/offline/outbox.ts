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
import { createDelivery } from './delivery.ts'
import { createLock } from './lock.ts'
import { createQueueStorage, type QueueItem } from './queue-storage.ts'

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
  /** Tries to deliver the queue now. Resolves when it is empty or a delivery failed; never rejects. */
  flush(): Promise<void>
  /**
   * Calls `listener` when a session was delivered or refused, so that the history can be reloaded. Returns a
   * function that unsubscribes.
   */
  subscribe(listener: () => void): () => void
  /** Stops deliveries in this page; call it at logout. Queued sessions remain in the queue. */
  close(): void
}

/**
 * Adds offline support to a storage service (an `ApiStorageService`) with a queue in IndexedDB.
 *
 * - `saveSession` first queues the session with its recording. It resolves when the session is delivered or,
 *   without a connection, queued; it rejects when the server refuses the session. The session stays in the
 *   queue until it is delivered or deleted, also after the tab is closed, and is delivered once however many
 *   tabs are open. Saving again under the same id replaces a refused session. A signal stops only a save that
 *   is not queued yet.
 * - `getSessions` and `getSessionById` include queued sessions, with `pending` and, when refused, `refusal`.
 *   Without a network they show the last loaded history.
 * - `deleteSession` removes a queued session. One that was sent without a response may be stored, so deleting
 *   it needs the network.
 * - `getUserStats` counts delivered sessions only and needs the network.
 */
export function createOutbox(service: PracticeStorage, options: OutboxOptions): Outbox {
  const {
    account,
    indexedDB = globalThis.indexedDB,
    clock = systemClock,
    events = globalThis,
    isOnline = browserIsOnline
  } = options
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

  const { flush } = delivery
  events.addEventListener('online', flush)
  flush()

  return {
    async saveSession({ pending, refusal: _, ...session }: SessionData, options: SaveOptions = {}) {
      const { signal, onProgress } = options
      signal?.throwIfAborted()
      const queued = await queue.put(session).then(
        () => true,
        () => false
      )
      // The disk is full or IndexedDB is not available: save without the queue.
      if (!queued) return service.saveSession(session, options)
      await (onProgress ? delivery.flushWithProgress(session.id, onProgress) : flush())
      const refusal = (await queue.find(session.id))?.refusal
      if (refusal) throw new StorageError(refusal.status, refusal.code, refusal.detail)
    },

    async getSessions(options?: CallOptions) {
      // Read the queue first: a session that is delivered in between is then in both lists instead of in
      // none.
      const items = await queue.all()
      const history = await fetchHistory(options, items)
      const stored = new Map(history.map((session) => [session.id, session]))
      const shown = items.filter(
        ({ session, refusal }) => refusal || !isDelivered(session, stored.get(session.id))
      )
      const hidden = new Set(shown.map(({ session }) => session.id))
      return newestFirst([...history.filter(({ id }) => !hidden.has(id)), ...shown.map(toListed)])
    },

    async getSessionById(id: string, options?: CallOptions) {
      const item = await queue.find(id)
      return item ? toSession(item) : service.getSessionById(id, options)
    },

    // Holds the lock, so that no delivery saves the session again.
    deleteSession: (id: string, options?: CallOptions) =>
      lock(async () => {
        const item = await queue.find(id)
        if (!item || (item.sent && !item.refusal)) await service.deleteSession(id, options)
        if (item) await queue.remove(item)
      }),

    updateSession: (id: string, changes: SessionChanges, options?: CallOptions) =>
      service.updateSession(id, changes, options),

    getUserStats: (options?: CallOptions) => service.getUserStats(options),

    getPracticeDays: (range: DayRange, options?: CallOptions) => service.getPracticeDays(range, options),

    flush,

    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },

    close() {
      events.removeEventListener('online', flush)
      delivery.close()
    }
  }

  /**
   * The account's history. Without a connection: the last loaded one, or none if the queue alone can be
   * shown.
   */
  async function fetchHistory(options: CallOptions | undefined, items: QueueItem[]): Promise<SessionData[]> {
    try {
      if (!isOnline()) throw new StorageError(0, 'network_error', 'There is no network.')
      const history = await service.getSessions(options)
      await queue.cacheHistory(history).catch(() => {}) // a full disk must not hide the history
      return history
    } catch (error) {
      if (!isDisconnected(error)) throw error
      const cached = await queue.cachedHistory()
      if (!cached && items.length === 0) throw error
      return cached ?? []
    }
  }
}

// A large recording is uploaded after its session.
function isDelivered({ audio }: SessionData, stored: SessionData | undefined): boolean {
  return Boolean(stored && (stored.audioUrl || !audio?.size))
}

// Without a network, Auth0 often returns no token.
function isDisconnected(error: unknown): boolean {
  return isTransient(error) || (error instanceof StorageError && error.code === 'no_token')
}

function toSession({ session, refusal }: QueueItem): SessionData {
  return { ...session, ...(refusal ? { pending: 'refused', refusal } : { pending: 'waiting' }) }
}

function toListed(item: QueueItem): SessionData {
  const { xmlContent, analysis, ...listed } = toSession(item)
  return listed
}

function browserIsOnline(): boolean {
  return globalThis.navigator?.onLine !== false
}
