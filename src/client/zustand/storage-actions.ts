import type { SessionChanges, Stale } from '../storage-service.ts'
import { createOptimisticHistory } from './optimistic-history.ts'
import { createSaveActions } from './save-actions.ts'
import type { SessionService } from './session-service.ts'
import type { SessionState, SetState } from './session-state.ts'

/**
 * Actions that call the storage service. Changes show immediately and are rolled back when the call fails.
 */
export function storageActions(service: SessionService, set: SetState, get: () => SessionState) {
  const history = createOptimisticHistory()
  let loads = 0

  const show = (changes: Partial<SessionState> = {}) => set({ ...changes, history: history.get() })
  const { saveEnded, ...saveActions } = createSaveActions({ service, history, get, set, show, load })

  async function load(): Promise<void> {
    const thisLoad = ++loads
    set({ isLoading: true })
    let stale: Stale | undefined
    const onStale = (answer: Stale) => {
      if (!stale || answer.loadedAt < stale.loadedAt) stale = answer
    }
    const [sessions, stats] = await Promise.allSettled([
      service.getSessions({ onStale }),
      service.getUserStats({ onStale })
    ])
    // A later load has started and will bring newer data.
    if (thisLoad !== loads) return
    if (sessions.status === 'fulfilled') history.replace(sessions.value)
    const failed = [sessions, stats].find(({ status }) => status === 'rejected') as
      PromiseRejectedResult | undefined
    show({
      isLoading: false,
      error: failed?.reason ?? stale?.reason ?? null,
      staleSince: stale?.loadedAt ?? null,
      ...(stats.status === 'fulfilled' && { stats: stats.value, streak: stats.value.streak })
    })
  }

  return {
    ...saveActions,
    load,

    async updateSession(id: string, changes: SessionChanges) {
      const change = { id, changes }
      history.startChange(change)
      show({ error: null })
      try {
        await saveEnded(id)
        await service.updateSession(id, changes)
      } catch (error) {
        history.cancelChange(change)
        show({ error: error as Error })
        throw error
      }
      history.finishChange(change)
      await load()
    },

    async deleteSession(id: string) {
      history.startDelete(id)
      show({ error: null })
      try {
        // A save in progress would create the session again.
        await saveEnded(id)
        await service.deleteSession(id)
      } catch (error) {
        history.cancelDelete(id)
        show({ error: error as Error })
        throw error
      }
      history.finishDelete(id)
      await load()
    }
  } satisfies Partial<SessionState>
}
