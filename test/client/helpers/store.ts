import { IDBFactory } from 'fake-indexeddb'
import { LocalStorageService, StorageError } from '../../../src/client/index.ts'
import { createSessionStore } from '../../../src/client/zustand/index.ts'
import { memoryStorage } from './memory-storage.ts'

export const unavailable = () => Promise.reject(new StorageError(0, 'network_error', 'No network'))

/** A store on a local service; a test may replace single methods of the service. */
export function startStore(replaced: Partial<Parameters<typeof createSessionStore>[0]> = {}) {
  const local = new LocalStorageService({ storage: memoryStorage(), indexedDB: new IDBFactory() })
  const service: Parameters<typeof createSessionStore>[0] = {
    getSessions: () => local.getSessions(),
    getSessionById: (id) => local.getSessionById(id),
    saveSession: (session) => local.saveSession(session),
    updateSession: (id, changes) => local.updateSession(id, changes),
    deleteSession: (id) => local.deleteSession(id),
    getUserStats: () => local.getUserStats(),
    getPracticeDays: (range) => local.getPracticeDays(range),
    ...replaced
  }
  const store = createSessionStore(service)
  return { local, service, store, state: () => store.getState() }
}

/** A promise that the test resolves with `release`. */
export function deferred() {
  let release = () => {}
  const promise = new Promise<void>((resolve) => {
    release = resolve
  })
  return { promise, release }
}
