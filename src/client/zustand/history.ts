import { newestFirst } from '../session-order.ts'
import type { SessionData, StorageError } from '../storage-service.ts'

/**
 * The history that a person sees: what the service last told, with what is being saved and without what is being
 * deleted. So taking back an optimistic step is forgetting it, and a load in between does no harm.
 */
export function createHistory() {
  let known: SessionData[] = []
  const unsaved = new Map<string, SessionData>()
  const deleting = new Set<string>()

  return {
    get: () =>
      newestFirst(
        [...known.filter(({ id }) => !unsaved.has(id)), ...unsaved.values()].filter(
          ({ id }) => !deleting.has(id)
        )
      ),
    loaded: (sessions: SessionData[]) => {
      known = sessions
    },

    unsaved: (id: string) => unsaved.get(id),
    saving: (session: SessionData) => {
      unsaved.set(session.id, { ...session, pending: 'waiting' })
    },
    saved(session: SessionData) {
      unsaved.delete(session.id)
      known = [session, ...known.filter(({ id }) => id !== session.id)]
    },
    notSaved(session: SessionData, { status = 0, code = 'unknown', detail = '' }: Partial<StorageError>) {
      unsaved.set(session.id, { ...session, pending: 'refused', refusal: { status, code, detail } })
    },
    forget: (id: string) => {
      unsaved.delete(id)
    },

    deleting: (id: string) => {
      deleting.add(id)
    },
    deleted(id: string) {
      unsaved.delete(id)
      deleting.delete(id)
      known = known.filter((session) => session.id !== id)
    },
    notDeleted: (id: string) => {
      deleting.delete(id)
    }
  }
}
