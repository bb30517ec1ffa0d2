import { readAnalysis } from '../analysis.ts'
import type {
  PracticeStorage,
  Progress,
  SessionChanges,
  SessionData,
  Stale,
  StorageError
} from '../storage-service.ts'
import { createOptimisticHistory } from './optimistic-history.ts'
import type { SessionState, SetState } from './session-state.ts'

/** A storage service, or an outbox, which sends what it has queued. */
export type SessionStorage = PracticeStorage & {
  retry?: (id: string) => Promise<void>
  stop?: (id: string) => Promise<void>
  onSending?: (listener: (sending?: { id: string; progress?: Progress }) => void) => unknown
}

/**
 * Actions that call the storage service. Changes show immediately and are rolled back when the call fails.
 */
export function storageActions(service: SessionStorage, set: SetState, get: () => SessionState) {
  const history = createOptimisticHistory()
  const saves = new Map<string, Promise<void>>()
  let loads = 0

  const show = (changes: Partial<SessionState> = {}) => set({ ...changes, history: history.get() })
  const isCurrent = (id: string) => get().currentSession?.id === id

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

  /** Resolves when the session is saved, or kept by an outbox, which sends it later. */
  async function save(session: SessionData): Promise<void> {
    history.startSave(session)
    show({ error: null })
    let isKept = false
    let keep = () => {}
    const kept = new Promise<void>((resolve) => {
      keep = () => {
        isKept = true
        resolve()
      }
    })
    const saved = service.saveSession(session, {
      onKept: keep,
      onProgress: (progress) => showSending({ id: session.id, progress })
    })
    try {
      await Promise.race([kept, saved])
    } catch (error) {
      if (isCurrent(session.id)) history.cancelSave(session.id)
      else history.failSave(session, error as StorageError)
      show({ error: error as Error, sendingId: null, uploadProgress: null })
      throw error
    }
    if (isKept) showKept(session, saved)
    else history.finishSave(session)
    show(isCurrent(session.id) ? { currentSession: null } : {})
    if (isKept) return
    show({ sendingId: null, uploadProgress: null })
    await load()
  }

  /** Shows the session as the outbox has it, and what has become of it when it was sent. */
  async function showKept(session: SessionData, saved: Promise<void>): Promise<void> {
    history.keepSave(session.id)
    await load()
    const isSaved = await saved.then(
      () => true,
      () => false
    )
    // Unless the outbox shows it, or it was deleted.
    if (history.unsaved(session.id)) {
      if (isSaved) history.finishSave(session)
      else history.cancelSave(session.id)
    }
    await load()
  }

  function showSending(sending?: { id: string; progress?: Progress }): void {
    const { id = null, progress } = sending ?? {}
    set({ sendingId: id, uploadProgress: progress ? progress.loaded / progress.total : null })
  }
  service.onSending?.(showSending)

  /** Saves a session once, even when the user clicks twice. */
  function saveOnce(session: SessionData): Promise<void> {
    const saving = saves.get(session.id) ?? save(session).finally(() => saves.delete(session.id))
    saves.set(session.id, saving)
    return saving
  }

  async function remove(id: string): Promise<void> {
    // A save in progress would create the session again.
    await saves.get(id)?.catch(() => {})
    try {
      await service.deleteSession(id)
      history.finishDelete(id)
    } catch (error) {
      history.cancelDelete(id)
      show({ error: error as Error })
      throw error
    }
    await load()
  }

  async function update(id: string, changes: SessionChanges): Promise<void> {
    const change = { id, changes }
    history.startChange(change)
    show({ error: null })
    try {
      await saves.get(id)?.catch(() => {})
      await service.updateSession(id, changes)
    } catch (error) {
      history.cancelChange(change)
      show({ error: error as Error })
      throw error
    }
    history.finishChange(change)
    await load()
  }

  return {
    load,
    updateSession: update,

    async saveSession() {
      const { currentSession } = get()
      if (currentSession) {
        await saveOnce({ ...currentSession, analysis: readAnalysis(currentSession.analysis) })
      }
    },

    async retrySave(id, { withoutRecording = false } = {}) {
      const unsaved = history.unsaved(id)
      if (!unsaved && service.retry && !withoutRecording) return service.retry(id).finally(load)
      const session = unsaved ?? (await service.getSessionById(id))
      if (!session) return
      const { audio, ...rest } = withoutPendingState(session)
      await saveOnce(withoutRecording || !audio ? rest : { ...rest, audio })
    },

    async stopSending(id) {
      await service.stop?.(id)
      await load()
    },

    deleteSession(id) {
      history.startDelete(id)
      show({ error: null })
      return remove(id)
    }
  } satisfies Partial<SessionState>
}

function withoutPendingState({ pending, refusal, ...session }: SessionData): SessionData {
  return session
}
