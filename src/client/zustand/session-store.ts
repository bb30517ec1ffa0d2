import { create } from 'zustand'
import { systemClock, type Clock } from '../clock.ts'
import type { IStorageService } from '../storage-service.ts'
import { keepingActions } from './keeping-actions.ts'
import { practiceActions } from './practice-actions.ts'
import type { SessionState } from './session-state.ts'

/**
 * The app's `useSessionStore`, keeping its sessions in the given service instead of by `persist`: call `load` when the
 * app starts, and whenever an outbox says that something arrived.
 */
export function createSessionStore(
  service: IStorageService,
  { clock = systemClock }: { clock?: Clock } = {}
) {
  return create<SessionState>()((set, get) => ({
    currentSession: null,
    isRecording: false,
    isAnalyzing: false,
    history: [],
    streak: 0,
    stats: null,
    isLoading: false,
    uploadProgress: null,
    error: null,
    ...practiceActions(set, clock),
    ...keepingActions(service, set, get)
  }))
}
