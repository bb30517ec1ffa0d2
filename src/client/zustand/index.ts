/** The app's session store, on Zustand. */
export type { AnalysisResults, CurrentSession, SessionState } from './session-state.ts'
export { createSessionStore } from './session-store.ts'
