import { openDatabase, promised } from './database.ts'

/** The recordings that localStorage has no room for, in IndexedDB under their session's id. */
export function createLocalRecordings(factory: IDBFactory) {
  const transact = openDatabase(factory, 'harmony-helper', { recordings: {} })
  return {
    get: (id: string): Promise<Blob | undefined> =>
      transact('readonly', (store) => promised<Blob | undefined>(store('recordings').get(id))),
    put: (id: string, recording: Blob) =>
      transact('readwrite', (store) => promised(store('recordings').put(recording, id))),
    delete: (id: string) => transact('readwrite', (store) => promised(store('recordings').delete(id)))
  }
}

export type LocalRecordings = ReturnType<typeof createLocalRecordings>
