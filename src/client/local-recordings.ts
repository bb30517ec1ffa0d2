import { openDatabase, promised } from './indexed-db.ts'

/** Recordings that do not fit into localStorage. They are in IndexedDB, under the id of their session. */
export function createLocalRecordings(factory: IDBFactory | undefined) {
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
