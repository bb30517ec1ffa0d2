import type { PracticeStorage, SessionData } from '../storage-service.ts'
import type { Lock } from './lock.ts'
import type { Sending } from './outbox-interface.ts'
import type { QueueItem } from './queue-item.ts'
import type { QueueStorage } from './queue-storage.ts'

export type SenderOptions = {
  service: PracticeStorage
  queue: QueueStorage
  lock: Lock
  /** Called before a delivered item leaves the queue. */
  onDelivered: (item: QueueItem) => Promise<unknown>
  /** Called when a save begins to be sent, with its progress, and without an argument when it ends. */
  onSending: (sending?: Sending) => void
}

/** The outcome of an attempt to send an item. `isAborted`: its request was aborted, and nothing is known of it. */
export type AttemptResult = { item: QueueItem; error?: Error; isAborted?: boolean }

/** Sends queued items to the service, one at a time, in one tab at a time. */
export function createSender({ service, queue, lock, onDelivered, onSending }: SenderOptions) {
  let current: { id: string; controller: AbortController } | undefined

  async function send(item: QueueItem, signal: AbortSignal): Promise<void> {
    const { id, remove, session, changes } = item
    if (remove) await service.deleteSession(id, { signal })
    if (session) await save(item, session, signal)
    if (changes) await service.updateSession(id, changes, { signal })
  }

  async function save(item: QueueItem, session: SessionData, signal: AbortSignal): Promise<void> {
    const { id } = item
    onSending({ id })
    try {
      await service.saveSession(session, {
        signal,
        onProgress(progress) {
          if (!signal.aborted) onSending({ id, progress })
        },
        ...(item.upload && { startedUpload: item.upload }),
        // If this cannot be stored, the upload starts again after a reload.
        onUploadStarted: (upload) => queue.mark(item, { upload }).catch(() => {})
      })
    } finally {
      onSending()
    }
  }

  return {
    /**
     * Sends the first item that is due. Undefined when there is none, or `mayBegin` returns false. The lock is
     * held for one item only.
     */
    sendNext: (mayBegin: () => boolean, isDue: (item: QueueItem) => boolean) =>
      lock(async (): Promise<AttemptResult | undefined> => {
        const next = mayBegin() ? await queue.takeNext(isDue) : undefined
        if (!next) return undefined
        const { item, skipped } = next
        const controller = new AbortController()
        current = { id: item.id, controller }
        const error = await send(item, controller.signal).then(
          () => undefined,
          (reason: Error) => reason
        )
        current = undefined
        if (error) return { item, error, isAborted: controller.signal.aborted }
        await onDelivered(item)
        await queue.remove(item)
        for (const other of skipped) await queue.mark(other, { overtaken: true })
        return { item }
      }),

    /** Aborts the current request: of one session, whose queue item must be changed first, or of any. */
    abort(id?: string) {
      if (id === undefined || current?.id === id) current?.controller.abort()
    }
  }
}

export type Sender = ReturnType<typeof createSender>
