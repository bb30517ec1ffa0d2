import { systemClock } from '../clock.ts'
import {
  StorageError,
  type CallOptions,
  type DayRange,
  type PracticeStorage,
  type SaveOptions,
  type SessionChanges,
  type SessionData
} from '../storage-service.ts'
import { browserTimeZone } from '../time-zone.ts'
import { createDelivery, type Sending } from './delivery.ts'
import { createLock } from './lock.ts'
import type { Outbox, OutboxOptions } from './outbox-interface.ts'
import {
  addChanges,
  addDeletion,
  addSave,
  dropRefused,
  startAgain,
  stop,
  type Pending,
  type QueueItem
} from './queue-item.ts'
import { plainReads } from './plain-reads.ts'
import { createQueueStorage } from './queue-storage.ts'

type Reads = ReturnType<(typeof import('./reads.ts'))['createReads']>

/**
 * Adds offline support to a storage service (an `ApiStorageService`) with a queue in IndexedDB.
 *
 * - `saveSession`, `updateSession` and `deleteSession` first queue what they are to do. They resolve when it is
 *   delivered or, without a connection, queued, and reject when the server refuses it. A refused save stays in
 *   the queue until it is saved again or deleted; a refused change or deletion is given up. What waits for one
 *   session is merged, delivered in order and once, however many tabs are open, also after the tab was closed.
 *   A signal stops only what is not queued yet; `onKept` tells when a save is queued, and `stop` ends its
 *   delivery. When this browser can store nothing, the service is called directly.
 * - A session that keeps failing while others can be delivered is set aside (`pending: 'delayed'`, with the
 *   reason in `refusal`) and tried again later.
 * - Reads include what waits, and not what was refused. Answers of the account are kept in this browser, bounded
 *   in number and size. When the account cannot be reached, a read resolves with the kept answer and calls
 *   `onStale`. A session can be read without a network once it was read with one.
 */
export function createOutbox(service: PracticeStorage, options: OutboxOptions): Outbox {
  const { account, indexedDB, clock = systemClock, events = globalThis, isOnline = browserIsOnline } = options
  const timeZone = options.timeZone ?? browserTimeZone() ?? 'UTC'
  const locks = 'locks' in options ? options.locks : globalThis.navigator?.locks
  const name = `harmony-helper-outbox:${account}`
  const queue = createQueueStorage(indexedDB, name)
  const lock = createLock(name, { locks, indexedDB, clock })
  const listeners = new Set<() => void>()
  const sendingListeners = new Set<(sending?: Sending) => void>()
  const delivery = createDelivery({
    service,
    queue,
    lock,
    clock,
    isOnline,
    onDelivered: async (item) => (await loadReads())?.delivered(item),
    onSending: (sending) => sendingListeners.forEach((listener) => listener(sending)),
    onChange: () => listeners.forEach((listener) => listener())
  })

  let reads: Promise<Reads | undefined> | undefined
  /** Undefined when loading fails, as without a network or after a new release. */
  function loadReads(): Promise<Reads | undefined> {
    reads ??= import('./reads.ts').then(
      ({ createReads }) => createReads({ service, queue, clock, isOnline, timeZone }),
      () => {
        reads = undefined
        return undefined
      }
    )
    return reads
  }
  const reader = async () => (await loadReads()) ?? plainReads(service, queue)

  const flush = () => delivery.flush(true)
  // During server rendering there are no events and no queue.
  events.addEventListener?.('online', flush)
  if (indexedDB || 'indexedDB' in globalThis) {
    loadReads()
    delivery.start()
  }

  /** Returns false when this browser can store nothing. */
  async function enqueue(
    id: string,
    next: (item: QueueItem | undefined) => Pending | undefined
  ): Promise<boolean> {
    try {
      await queue.update(id, next).catch(async (error) => {
        if (error.code !== 'storage_full') throw error
        await queue.makeRoom()
        await queue.update(id, next)
      })
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

  function close() {
    events.removeEventListener?.('online', flush)
    delivery.close()
  }

  return {
    async saveSession({ pending, refusal: _, ...session }: SessionData, options: SaveOptions = {}) {
      const { signal, onProgress, onKept } = options
      signal?.throwIfAborted()
      if (!(await enqueue(session.id, (item) => addSave(item, session)))) {
        return service.saveSession(session, options)
      }
      onKept?.()
      const stopReporting = add(sendingListeners, (sending) => {
        if (sending?.id === session.id && sending.progress) onProgress?.(sending.progress)
      })
      await delivery.start().finally(stopReporting)
      await throwRefusal(session.id)
    },

    async updateSession(id: string, changes: SessionChanges, options: CallOptions = {}) {
      options.signal?.throwIfAborted()
      if (await enqueue(id, (item) => addChanges(item, changes))) return deliver(id)
      await service.updateSession(id, changes, options)
    },

    async deleteSession(id: string, options: CallOptions = {}) {
      options.signal?.throwIfAborted()
      if (await enqueue(id, addDeletion)) {
        delivery.stop(id)
        return deliver(id)
      }
      await service.deleteSession(id, options)
    },

    getSessions: async (options?: CallOptions) => (await reader()).getSessions(options),

    getSessionById: async (id: string, options?: CallOptions) => (await reader()).getSessionById(id, options),

    getUserStats: async (options?: CallOptions) => (await reader()).getUserStats(options),

    getPracticeDays: async (range: DayRange, options?: CallOptions) =>
      (await reader()).getPracticeDays(range, options),

    flush,

    async retry(id: string) {
      await queue.update(id, startAgain)
      await flush()
      await throwRefusal(id)
    },

    async stop(id: string) {
      await queue.update(id, stop)
      delivery.stop(id)
    },

    discard,

    async withoutSending(work) {
      let hasBegun = false
      delivery.pause()
      try {
        return await lock(() => {
          hasBegun = true
          return work()
        })
      } catch (error) {
        if (hasBegun) throw error
        return await work() // without storage there is no lock, and nothing waits
      } finally {
        delivery.resume()
      }
    },

    subscribe: (listener: () => void) => add(listeners, listener),

    onSending: (listener: (sending?: Sending) => void) => add(sendingListeners, listener),

    close,

    async forget({ unsent = false } = {}) {
      close()
      await (await loadReads())?.forget()
      if (unsent) await queue.clear()
    }
  }
}

/** @returns a function that removes the listener again */
function add<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

function browserIsOnline(): boolean {
  return globalThis.navigator?.onLine !== false
}
