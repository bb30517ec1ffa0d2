import { isTransient } from '../request-retry.ts'
import { newestFirst } from '../session-order.ts'
import type { CallOptions, DayRange, PracticeStorage } from '../storage-service.ts'
import { isBeingDeleted, withPendingChanges, withQueue } from './queue-item.ts'
import type { QueueStorage } from './queue-storage.ts'

/** Reads of the account with what waits, while those that keep answers cannot be loaded. */
export function plainReads(service: PracticeStorage, queue: QueueStorage) {
  return {
    async getSessions(options?: CallOptions) {
      const items = await queue.all().catch(() => [])
      const history = await service.getSessions(options).catch((error) => {
        if (items.length === 0 || !isTransient(error)) throw error
        return []
      })
      return newestFirst(withQueue(history, items))
    },
    async getSessionById(id: string, options?: CallOptions) {
      const item = await queue.find(id).catch(() => undefined)
      if (item && isBeingDeleted(item)) return null
      const session = item?.session ?? (await service.getSessionById(id, options))
      return item && session ? withPendingChanges(item, session) : session
    },
    getUserStats: (options?: CallOptions) => service.getUserStats(options),
    getPracticeDays: (range: DayRange, options?: CallOptions) => service.getPracticeDays(range, options)
  }
}
