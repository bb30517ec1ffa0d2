/** A thin layer over IndexedDB: a database that opens on first use, and transactions as promises. */

/**
 * Runs `work` in one transaction over all stores of the database. Resolves once the transaction is on disk.
 * When `work` throws, the transaction is rolled back.
 */
export type Transact = <T>(
  mode: IDBTransactionMode,
  work: (store: (name: string) => IDBObjectStore) => T | Promise<T>
) => Promise<T>

/** Opens version 1 of a database with the given object stores. */
export function openDatabase(
  factory: IDBFactory,
  name: string,
  stores: Record<string, IDBObjectStoreParameters>
): Transact {
  let opening: Promise<IDBDatabase> | undefined
  const forget = () => {
    opening = undefined
  }

  async function open(): Promise<IDBDatabase> {
    const request = factory.open(name, 1)
    request.onupgradeneeded = () => {
      for (const [store, parameters] of Object.entries(stores)) {
        request.result.createObjectStore(store, parameters)
      }
    }
    const database = await promised(request)
    database.onclose = forget
    // Do not block another tab that opens a later version of the database.
    database.onversionchange = () => {
      database.close()
      forget()
    }
    return database
  }

  return async (mode, work) => {
    opening ??= open()
    opening.catch(forget)
    const transaction = (await opening).transaction(Object.keys(stores), mode, { durability: 'strict' })
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    const run = async () => work((store) => transaction.objectStore(store))
    const rollBack = (error: unknown) => {
      transaction.abort()
      throw error
    }
    // Promise.all handles the rejection of both; the first one is reported.
    const [result] = await Promise.all([run().catch(rollBack), done])
    return result
  }
}

/**
 * The result of an IndexedDB request. Inside a transaction, await nothing else: the transaction would commit.
 */
export function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
