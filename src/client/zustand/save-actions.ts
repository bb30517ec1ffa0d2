import { readAnalysis } from '../analysis.ts'
import type { Sending } from '../offline/index.ts'
import type { SessionData, StorageError } from '../storage-service.ts'
import type { OptimisticHistory } from './optimistic-history.ts'
import type { SessionService } from './session-service.ts'
import type { SessionState, SetState } from './session-state.ts'

type SaveActionsOptions = {
  service: SessionService
  history: OptimisticHistory
  get: () => SessionState
  set: SetState
  /** Changes the state, and shows the history as it is now. */
  show: (changes?: Partial<SessionState>) => void
  load: () => Promise<void>
}

/** The actions that save a session, from the first click until it is sent. */
export function createSaveActions({ service, history, get, set, show, load }: SaveActionsOptions) {
  const saves = new Map<string, Promise<void>>()
  const isCurrent = (id: string) => get().currentSession?.id === id

  function showSending(sending?: Sending): void {
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

  /** Resolves when the session is saved, or queued by an outbox, which sends it later. */
  async function save(session: SessionData): Promise<void> {
    history.startSave(session)
    show({ error: null })
    let saved = Promise.resolve()
    const outcome = await new Promise<'queued' | 'saved'>((resolve, reject) => {
      saved = service.saveSession(session, {
        onKept: () => resolve('queued'),
        onProgress: (progress) => showSending({ id: session.id, progress })
      })
      saved.then(() => resolve('saved'), reject)
    }).catch((error) => fail(session, error))
    await (outcome === 'queued' ? leaveToOutbox(session, saved) : finish(session))
  }

  function fail(session: SessionData, error: StorageError): never {
    if (isCurrent(session.id)) history.cancelSave(session.id)
    else history.failSave(session, error)
    show({ error, sendingId: null, uploadProgress: null })
    throw error
  }

  async function finish(session: SessionData): Promise<void> {
    history.finishSave(session)
    releaseForm(session.id)
    show({ sendingId: null, uploadProgress: null })
    await load()
  }

  /** Returns before the outbox has sent the session. */
  async function leaveToOutbox(session: SessionData, saved: Promise<void>): Promise<void> {
    showQueued(session, saved)
    releaseForm(session.id)
  }

  /** A saved session is no longer the current one. */
  const releaseForm = (id: string) => show(isCurrent(id) ? { currentSession: null } : {})

  /** Shows the session as the outbox has it now, and again when the outbox has tried to send it. */
  async function showQueued(session: SessionData, saved: Promise<void>): Promise<void> {
    history.keepSave(session.id)
    await load()
    const isSaved = await saved.then(
      () => true,
      () => false
    )
    // The load brought no news of it: the load failed, or the outbox no longer has the session.
    if (history.unsaved(session.id)) {
      if (isSaved) history.finishSave(session)
      else history.cancelSave(session.id)
    }
    await load()
  }

  return {
    /** Waits until no save of the session is in progress. */
    saveEnded: async (id: string) => saves.get(id)?.catch(() => {}),

    async saveSession() {
      const { currentSession } = get()
      if (currentSession) {
        await saveOnce({ ...currentSession, analysis: readAnalysis(currentSession.analysis) })
      }
    },

    async retrySave(id: string, { withoutRecording = false } = {}) {
      const unsaved = history.unsaved(id)
      if (!unsaved && service.retry && !withoutRecording) return service.retry(id).finally(load)
      const session = unsaved ?? (await service.getSessionById(id))
      if (!session) return
      const { audio, ...rest } = withoutPendingState(session)
      await saveOnce(withoutRecording || !audio ? rest : { ...rest, audio })
    },

    async stopSending(id: string) {
      await service.stop?.(id)
      await load()
    }
  }
}

function withoutPendingState({ pending, refusal, ...session }: SessionData): SessionData {
  return session
}
