import { storageBlocked, toStorageError } from './browser-errors.ts'
import { StorageError } from './storage-service.ts'
import { within } from './time-limit.ts'

/** A thin layer over IndexedDB: a database that opens on first use, and transactions as promises. */

/**
 * Runs `work` in one transaction over all stores of the database. Resolves once the transaction is on disk.
 * When `work` throws, the transaction is rolled back. Browsers close a database or lose a transaction without
 * an event: then opens the database and runs `work` a second time.
 *
 * @throws StorageError `storage_full` or `storage_blocked`, also when the database does not answer in time; and
 *   what `work` throws, if it is a StorageError
 */
export type Transact = <T>(
  mode: IDBTransactionMode,
  work: (store: (name: string) => IDBObjectStore) => T | Promise<T>
) => Promise<T>

const OPEN_LIMIT_MS = 5_000
const TRANSACTION_LIMIT_MS = 30_000

/** Opens version 1 of a database with the given object stores. Default of `factory`: the browser's. */
export function openDatabase(
  factory: IDBFactory | undefined,
  name: string,
  stores: Record<string, IDBObjectStoreParameters>
): Transact {
  let opening: Promise<IDBDatabase> | undefined
  const forget = () => {
    opening?.then((database) => database.close()).catch(() => {})
    opening = undefined
  }

  async function open(): Promise<IDBDatabase> {
    const request = (factory ?? indexedDB).open(name, 1)
    request.onupgradeneeded = () => {
      for (const [store, parameters] of Object.entries(stores)) {
        request.result.createObjectStore(store, parameters)
      }
    }
    const opened = promised(request)
    const database = await within(OPEN_LIMIT_MS, opened, storageBlocked).catch((error) => {
      opened.then((late) => late.close()).catch(() => {})
      throw error
    })
    database.onclose = forget
    // Do not block another tab that opens a later version of the database.
    database.onversionchange = forget
    return database
  }

  const run: Transact = async (mode, work) => {
    opening ??= open()
    const transaction = (await opening).transaction(Object.keys(stores), mode, { durability: 'strict' })
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    const result = (async () => work((store) => transaction.objectStore(store)))()
    // Promise.all handles the rejection of both; the first one is reported.
    const [value] = await within(TRANSACTION_LIMIT_MS, Promise.all([result, done]), storageBlocked).catch(
      (error) => {
        abort(transaction)
        throw error
      }
    )
    return value
  }

  return async (mode, work) => {
    try {
      return await run(mode, work).catch((error) => {
        if (error instanceof StorageError || error?.name === 'QuotaExceededError') throw error
        forget()
        return run(mode, work)
      })
    } catch (cause) {
      const error = toStorageError(cause)
      if (error.code === 'storage_blocked') forget()
      throw error
    }
  }
}

/** Fails without effect when the transaction has ended. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort()
  } catch {}
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
