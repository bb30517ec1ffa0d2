import type { CallOptions, DayRange } from '../storage-service.ts'
import { plainReads } from './plain-reads.ts'
import type { QueueItem } from './queue-item.ts'
import type { createReads, ReadsOptions } from './reads.ts'

/** The outbox's reads. The module that keeps answers is loaded with the first of them; without it they are plain. */
export function createLazyReads(options: ReadsOptions) {
  let loading: Promise<ReturnType<typeof createReads> | undefined> | undefined

  /** Undefined when loading fails, as without a network or after a new release. */
  function load() {
    loading ??= import('./reads.ts').then(
      (module) => module.createReads(options),
      () => {
        loading = undefined
        return undefined
      }
    )
    return loading
  }
  const reader = async () => (await load()) ?? plainReads(options.service, options.queue)

  return {
    load,
    getSessions: async (call?: CallOptions) => (await reader()).getSessions(call),
    getSessionById: async (id: string, call?: CallOptions) => (await reader()).getSessionById(id, call),
    getUserStats: async (call?: CallOptions) => (await reader()).getUserStats(call),
    getPracticeDays: async (range: DayRange, call?: CallOptions) =>
      (await reader()).getPracticeDays(range, call),
    applyDelivered: async (item: QueueItem) => (await load())?.applyDelivered(item),
    forget: async () => (await load())?.forget()
  }
}
