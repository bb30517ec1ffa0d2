import type { Clock } from '../clock.ts'
import { retryAfterMs } from '../request-retry.ts'
import type { IStorageService, Progress } from '../storage-service.ts'
import type { Lock } from './lock.ts'
import { oneAtATime } from './one-at-a-time.ts'
import type { QueueItem, QueueStorage } from './queue-storage.ts'
import { isRefusal, toRefusal } from './refusal.ts'

const FIRST_PAUSE_MS = 5_000
const MAX_PAUSE_MS = 300_000

type DeliveryOptions = {
  service: IStorageService
  queue: QueueStorage
  lock: Lock
  clock: Clock
  isOnline: () => boolean
  /** Called after each session that was delivered or refused. */
  onChange: () => void
}

/**
 * Sends queued sessions to the service, in the order of the saves and in one tab at a time. Stops at the
 * first failure, so that the order is kept, and tries again later with exponential backoff.
 */
export function createDelivery({ service, queue, lock, clock, isOnline, onChange }: DeliveryOptions) {
  const progressListeners = new Map<string, (progress: Progress) => void>()
  let pauseMs = FIRST_PAUSE_MS
  let pausing: AbortController | undefined
  let isClosed = false

  /** Delivers the next session; false when the queue is empty. The lock is held for one session only. */
  const deliverNext = () =>
    lock(async () => {
      const item = await queue.next()
      if (!item || isClosed) return false
      await queue.markSent(item)
      await deliver(item)
      onChange()
      return true
    })

  async function deliver(item: QueueItem): Promise<void> {
    const onProgress = progressListeners.get(item.session.id)
    try {
      await service.saveSession(item.session, onProgress && { onProgress })
    } catch (error) {
      if (!isRefusal(error)) throw error
      return await queue.refuse(item, toRefusal(error))
    }
    await queue.remove(item)
  }

  const flush = oneAtATime(async () => {
    pausing?.abort()
    try {
      // While offline, the browser's `online` event starts the next attempt.
      while (isOnline() && (await deliverNext())) pauseMs = FIRST_PAUSE_MS
    } catch (error) {
      if (!isClosed) flushLater(error)
    }
  })

  // Not `retryFor`: each call of `flush` ends the pause, and the next pause is longer all the same.
  function flushLater(error: unknown): void {
    pausing = new AbortController()
    clock.sleep(Math.max(pauseMs, retryAfterMs(error)), pausing.signal).then(flush, () => {})
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
  }

  return {
    /**
     * Tries to deliver the whole queue. Resolves when the queue is empty or a delivery failed; never rejects.
     */
    flush,
    /** The same; meanwhile reports the upload progress of one session. */
    async flushWithProgress(id: string, onProgress: (progress: Progress) => void) {
      progressListeners.set(id, onProgress)
      await flush()
      progressListeners.delete(id)
    },
    close: () => {
      isClosed = true
      pausing?.abort()
    }
  }
}
