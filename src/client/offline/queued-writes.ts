import {
  StorageError,
  type CallOptions,
  type PracticeStorage,
  type SaveOptions,
  type SessionChanges,
  type SessionData
} from '../storage-service.ts'
import type { Delivery } from './delivery.ts'
import type { Listeners } from './listeners.ts'
import type { Sending } from './outbox-interface.ts'
import {
  addChanges,
  addDeletion,
  addSave,
  dropRefused,
  markStopped,
  startAgain,
  type Pending,
  type QueueItem
} from './queue-item.ts'
import type { QueueStorage } from './queue-storage.ts'

type QueuedWritesOptions = {
  service: PracticeStorage
  queue: QueueStorage
  delivery: Delivery
  progressListeners: Listeners<Sending | undefined>
}

/** The outbox's saves, changes and deletions, and what a user can do with those that wait. */
export function createQueuedWrites({ service, queue, delivery, progressListeners }: QueuedWritesOptions) {
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
      // `storage_blocked` says nothing about the change: keep it.
      if (error.code !== 'storage_blocked') await discard(id)
      throw error
    })
  }

  const discard = (id: string) => queue.update(id, dropRefused)

  return {
    async saveSession({ pending, refusal: _, ...session }: SessionData, options: SaveOptions = {}) {
      const { signal, onProgress, onKept } = options
      const { id } = session
      signal?.throwIfAborted()
      if (!(await enqueue(id, (item) => addSave(item, session)))) {
        return service.saveSession(session, options)
      }
      onKept?.()
      const stopReporting = progressListeners.add((save) => {
        if (save?.id === id && save.progress) onProgress?.(save.progress)
      })
      await delivery.start().finally(stopReporting)
      await throwRefusal(id)
    },

    async updateSession(id: string, changes: SessionChanges, options: CallOptions = {}) {
      options.signal?.throwIfAborted()
      if (await enqueue(id, (item) => addChanges(item, changes))) return deliver(id)
      await service.updateSession(id, changes, options)
    },

    async deleteSession(id: string, options: CallOptions = {}) {
      options.signal?.throwIfAborted()
      if (await enqueue(id, addDeletion)) {
        delivery.abort(id)
        return deliver(id)
      }
      await service.deleteSession(id, options)
    },

    async retry(id: string) {
      await queue.update(id, startAgain)
      await delivery.flush({ force: true })
      await throwRefusal(id)
    },

    async stop(id: string) {
      await queue.update(id, markStopped)
      delivery.abort(id)
    },

    discard
  }
}
