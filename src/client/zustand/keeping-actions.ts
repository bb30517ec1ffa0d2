import { readAnalysis } from '../analysis.ts'
import type { IStorageService, SessionData, StorageError } from '../storage-service.ts'
import { createHistory } from './history.ts'
import type { SessionState, SetState } from './session-state.ts'

/** What goes through the storage service: shown at once, taken back when it fails. */
export function keepingActions(service: IStorageService, set: SetState, get: () => SessionState) {
  const history = createHistory()
  const saves = new Map<string, Promise<void>>()
  let loads = 0

  const show = (changes: Partial<SessionState> = {}) => set({ ...changes, history: history.get() })
  const isCurrent = (id: string) => get().currentSession?.id === id

  async function load(): Promise<void> {
    const turn = ++loads
    set({ isLoading: true })
    const [sessions, stats] = await Promise.allSettled([service.getSessions(), service.getUserStats()])
    // Somebody asked again meanwhile, and hears something newer.
    if (turn !== loads) return
    if (sessions.status === 'fulfilled') history.loaded(sessions.value)
    const failed = [sessions, stats].find(({ status }) => status === 'rejected') as
      PromiseRejectedResult | undefined
    show({
      isLoading: false,
      error: failed?.reason ?? null,
      ...(stats.status === 'fulfilled' && { stats: stats.value, streak: stats.value.streak })
    })
  }

  async function save(session: SessionData): Promise<void> {
    history.saving(session)
    show({ error: null })
    try {
      await service.saveSession(session, {
        onProgress: ({ loaded, total }) => set({ uploadProgress: loaded / total })
      })
    } catch (error) {
      if (isCurrent(session.id)) history.forget(session.id)
      else history.notSaved(session, error as StorageError)
      show({ error: error as Error, uploadProgress: null })
      throw error
    }
    history.saved(session)
    show({ uploadProgress: null, ...(isCurrent(session.id) && { currentSession: null }) })
    await load()
  }

  /** One save at a time for one session: two clicks are one wish. */
  function saveOnce(session: SessionData): Promise<void> {
    const saving = saves.get(session.id) ?? save(session).finally(() => saves.delete(session.id))
    saves.set(session.id, saving)
    return saving
  }

  async function remove(id: string): Promise<void> {
    // Or a save that is still on its way would bring it back.
    await saves.get(id)?.catch(() => {})
    try {
      await service.deleteSession(id)
      history.deleted(id)
    } catch (error) {
      history.notDeleted(id)
      show({ error: error as Error })
      throw error
    }
    await load()
  }

  return {
    load,

    async saveSession() {
      const { currentSession } = get()
      if (currentSession) {
        await saveOnce({ ...currentSession, analysis: readAnalysis(currentSession.analysis) })
      }
    },

    async retrySave(id) {
      const session = history.unsaved(id) ?? (await service.getSessionById(id))
      if (session) await saveOnce(withoutState(session))
    },

    deleteSession(id) {
      history.deleting(id)
      show({ error: null })
      return remove(id)
    }
  } satisfies Partial<SessionState>
}

function withoutState({ pending, refusal, ...session }: SessionData): SessionData {
  return session
}
