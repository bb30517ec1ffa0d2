import { create } from 'zustand'
import type { Clock } from '../clock.ts'
import { practiceActions } from './practice-actions.ts'
import type { SessionService } from './session-service.ts'
import type { SessionState } from './session-state.ts'
import { storageActions } from './storage-actions.ts'

/**
 * The app's `useSessionStore`, which stores sessions in the given service instead of by `persist`. Call
 * `load` when the app starts and whenever the outbox notifies its subscribers.
 */
export function createSessionStore(
  service: SessionService,
  { clock = { now: () => new Date() } }: { clock?: Pick<Clock, 'now'> } = {}
) {
  return create<SessionState>()((set, get) => ({
    currentSession: null,
    isRecording: false,
    isAnalyzing: false,
    history: [],
    streak: 0,
    stats: null,
    staleSince: null,
    isLoading: false,
    sendingId: null,
    uploadProgress: null,
    error: null,
    ...practiceActions(set, clock),
    ...storageActions(service, set, get)
  }))
}
