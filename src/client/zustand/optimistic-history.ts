import { newestFirst } from '../session-order.ts'
import { listed } from '../session-changes.ts'
import type { SessionChanges, SessionData, StorageError } from '../storage-service.ts'

type Change = { id: string; changes: SessionChanges }

/**
 * The history with optimistic updates: the last loaded history, plus sessions being saved, with the changes
 * being saved, minus sessions being deleted. The updates are kept apart from the loaded history, so a
 * rollback just drops them, and a load does not disturb them.
 */
export function createOptimisticHistory() {
  let loaded: SessionData[] = []
  const unsaved = new Map<string, SessionData>()
  const kept = new Set<string>()
  const deleting = new Set<string>()
  const changing = new Set<Change>()

  return {
    get: () =>
      newestFirst(
        [...loaded.filter(({ id }) => !unsaved.has(id)), ...unsaved.values()]
          .filter(({ id }) => !deleting.has(id))
          .map((session) => withChanges(session, [...changing]))
      ),
    replace(sessions: SessionData[]) {
      loaded = sessions
      for (const { id } of sessions) if (kept.delete(id)) unsaved.delete(id)
    },

    unsaved: (id: string) => unsaved.get(id),
    startSave(session: SessionData) {
      kept.delete(session.id)
      unsaved.set(session.id, { ...session, pending: 'waiting' })
    },
    /** The storage has the session: the next load that has it shows its state. */
    keepSave: (id: string) => {
      kept.add(id)
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

    startChange: (change: Change) => {
      changing.add(change)
    },
    finishChange(change: Change) {
      changing.delete(change)
      loaded = loaded.map((session) => withChanges(session, [change]))
    },
    cancelChange: (change: Change) => {
      changing.delete(change)
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

export type OptimisticHistory = ReturnType<typeof createOptimisticHistory>

function withChanges(session: SessionData, all: Change[]): SessionData {
  return all
    .filter(({ id }) => id === session.id)
    .reduce((changed, { changes }) => listed(changed, changes), session)
}
