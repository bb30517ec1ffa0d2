import type { Clock } from '../clock.ts'
import { StorageError, type IStorageService, type Progress } from '../storage-service.ts'
import { coalesce } from './coalesce.ts'
import type { Lock } from './lock.ts'
import { isRefusal, toRefusal } from './refusal.ts'
import type { Waiting, WaitingRoom } from './waiting-room.ts'

const FIRST_PAUSE = 5_000
const LONGEST_PAUSE = 300_000

type Surroundings = {
  service: IStorageService
  room: WaitingRoom
  lock: Lock
  clock: Clock
  isOnline: () => boolean
  /** Told whenever something arrived or was refused. */
  changed: () => void
}

/**
 * Brings what waits to the service: one after the other in the order of the saves, in one tab at a time, stopping at
 * the first that does not get through, so that nothing overtakes. After that it comes back by itself, ever later.
 */
export function createDelivery({ service, room, lock, clock, isOnline, changed }: Surroundings) {
  const listeners = new Map<string, (progress: Progress) => void>()
  const closing = new AbortController()
  let pause = FIRST_PAUSE
  let sleeping: AbortController | undefined

  /** Delivers the next one; false when none is left. The lock is held for one session, not for all of them. */
  const deliverNext = () =>
    lock(async () => {
      const item = await room.next()
      if (!item || closing.signal.aborted) return false
      await room.markSent(item)
      await deliver(item)
      changed()
      return true
    })

  async function deliver(item: Waiting): Promise<void> {
    const onProgress = listeners.get(item.session.id)
    try {
      await service.saveSession(item.session, onProgress && { onProgress })
    } catch (error) {
      if (!isRefusal(error)) throw error
      return await room.refuse(item, toRefusal(error))
    }
    await room.remove(item)
  }

  const flush = coalesce(async () => {
    sleeping?.abort()
    try {
      // Offline, the browser's `online` event brings us back.
      while (isOnline() && (await deliverNext())) pause = FIRST_PAUSE
    } catch (error) {
      if (!closing.signal.aborted) comeBack(error)
    }
  })

  function comeBack(error: unknown): void {
    const asked = error instanceof StorageError && error.retryAfter ? error.retryAfter * 1000 : 0
    sleeping = new AbortController()
    clock
      .sleep(Math.max(pause, asked), AbortSignal.any([sleeping.signal, closing.signal]))
      .then(flush, () => {})
    pause = Math.min(pause * 2, LONGEST_PAUSE)
  }

  return {
    /** Tries to deliver all that waits; resolves when it is delivered or cannot be for now, and never rejects. */
    flush,
    /** Tells how far the upload of a session is, while that is under way in this tab. */
    listen: (id: string, onProgress: (progress: Progress) => void) => {
      listeners.set(id, onProgress)
    },
    unlisten: (id: string) => {
      listeners.delete(id)
    },
    close: () => {
      closing.abort()
    }
  }
}
