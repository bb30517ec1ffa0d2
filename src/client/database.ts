/**
 * The little of IndexedDB that the client needs: a database opened on first use, and transactions that are promises.
 */

/** One transaction over all of the database's stores. Resolves once it is on disk; when `work` throws, nothing of it is. */
export type Transact = <T>(
  mode: IDBTransactionMode,
  work: (store: (name: string) => IDBObjectStore) => T | Promise<T>
) => Promise<T>

/** A database of version 1 with these stores; in-line keys count up under `key`, where that is given. */
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
    // A later version of the app, in another tab, must not have to wait for this one.
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
    // Waiting for both means that no rejection is left unhandled; the first to fail is the reason.
    const [result] = await Promise.all([attempt(transaction, work), done])
    return result
  }
}

async function attempt<T>(
  transaction: IDBTransaction,
  work: (store: (name: string) => IDBObjectStore) => T | Promise<T>
): Promise<T> {
  try {
    return await work((name) => transaction.objectStore(name))
  } catch (error) {
    transaction.abort()
    throw error
  }
}

/** What a request answers. Inside a transaction, await nothing else, or the transaction ends. */
export function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
