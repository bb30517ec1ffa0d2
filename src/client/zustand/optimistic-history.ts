import { newestFirst } from '../session-order.ts'
import type { SessionData, StorageError } from '../storage-service.ts'

/**
 * The history with optimistic updates: the last loaded history, plus sessions being saved, minus sessions
 * being deleted. The updates are kept apart from the loaded history, so a rollback just drops them, and a
 * load does not disturb them.
 */
export function createOptimisticHistory() {
  let loaded: SessionData[] = []
  const unsaved = new Map<string, SessionData>()
  const deleting = new Set<string>()

  return {
    get: () =>
      newestFirst(
        [...loaded.filter(({ id }) => !unsaved.has(id)), ...unsaved.values()].filter(
          ({ id }) => !deleting.has(id)
        )
      ),
    replace: (sessions: SessionData[]) => {
      loaded = sessions
    },

    unsaved: (id: string) => unsaved.get(id),
    startSave: (session: SessionData) => {
      unsaved.set(session.id, { ...session, pending: 'waiting' })
    },
    finishSave(session: SessionData) {
      unsaved.delete(session.id)
      loaded = [session, ...loaded.filter(({ id }) => id !== session.id)]
    },
    failSave(session: SessionData, { status = 0, code = 'unknown', detail = '' }: Partial<StorageError>) {
      unsaved.set(session.id, { ...session, pending: 'refused', refusal: { status, code, detail } })
    },
    cancelSave: (id: string) => {
      unsaved.delete(id)
    },

    startDelete: (id: string) => {
      deleting.add(id)
    },
    finishDelete(id: string) {
      unsaved.delete(id)
      deleting.delete(id)
      loaded = loaded.filter((session) => session.id !== id)
    },
    cancelDelete: (id: string) => {
      deleting.delete(id)
    }
  }
}
