import { systemClock } from '../clock.ts'
import type { PracticeStorage } from '../storage-service.ts'
import { browserTimeZone } from '../time-zone.ts'
import { createDelivery } from './delivery.ts'
import { createLazyReads } from './lazy-reads.ts'
import { createListeners } from './listeners.ts'
import { createLock } from './lock.ts'
import type { Outbox, OutboxOptions, Sending } from './outbox-interface.ts'
import { createQueueStorage } from './queue-storage.ts'
import { createQueuedWrites } from './queued-writes.ts'

/**
 * Adds offline support to a storage service (an `ApiStorageService`) with a queue in IndexedDB.
 *
 * - `saveSession`, `updateSession` and `deleteSession` first store their work in the queue. A call resolves when
 *   the work is delivered or, without a network, when it is queued. It rejects when the server refuses. A refused
 *   save stays in the queue until it is saved again or deleted; a refused change or deletion is given up. What
 *   waits for one session is merged, delivered in order and once, however many tabs are open, also after the tab
 *   was closed. A signal stops only what is not queued yet; `onKept` tells when a save is queued, and `stop` ends
 *   its delivery. When this browser can store nothing, the service is called directly.
 * - A session that keeps failing while others can be delivered is delayed (`pending: 'delayed'`, with the
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
  const changes = createListeners<void>()
  const progressListeners = createListeners<Sending | undefined>()
  const { load, applyDelivered, forget, ...reads } = createLazyReads({
    service,
    queue,
    clock,
    isOnline,
    timeZone
  })
  const delivery = createDelivery({
    service,
    queue,
    lock,
    clock,
    isOnline,
    onDelivered: applyDelivered,
    onSending: progressListeners.notify,
    onChange: changes.notify
  })
  const flush = () => delivery.flush({ force: true })

  // During server rendering there are no events and no queue.
  events.addEventListener?.('online', flush)
  if (indexedDB || 'indexedDB' in globalThis) {
    load()
    delivery.start()
  }

  function close() {
    events.removeEventListener?.('online', flush)
    delivery.close()
  }

  return {
    ...createQueuedWrites({ service, queue, delivery, progressListeners }),

    ...reads,

    flush,

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
        // The lock needs storage. Without storage nothing is queued, so run `work` directly.
        return await work()
      } finally {
        delivery.resume()
      }
    },

    subscribe: changes.add,

    onSending: progressListeners.add,

    close,

    async forget({ unsent = false } = {}) {
      close()
      await forget()
      if (unsent) await queue.clear()
    }
  }
}

function browserIsOnline(): boolean {
  return globalThis.navigator?.onLine !== false
}
