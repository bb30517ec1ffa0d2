import { openDatabase, promised } from '../indexed-db.ts'
import { isSendable, type Pending, type QueueItem } from './queue-item.ts'

/** The next item to deliver, and those before it that are failing and not due. */
export type Next = { item: QueueItem; skipped: QueueItem[] }

/**
 * The outbox's queue, one item for each session, in IndexedDB, so that it survives a reload and is shared by
 * all tabs. `createKeptReads` keeps the account's answers in the same database. The names `waiting`, `heard` and
 * `place` are those of existing databases.
 */
export function createQueueStorage(factory: IDBFactory | undefined, name: string) {
  const transact = openDatabase(factory, name, {
    waiting: { keyPath: 'place', autoIncrement: true },
    heard: {}
  })

  const all = (): Promise<QueueItem[]> =>
    transact('readonly', async (store) =>
      (await promised<QueueItem[]>(store('waiting').getAll())).map(withId)
    )

  /** Replaces an item, unless it was changed since. `next` returns undefined to remove it. */
  const change = ({ place, revision }: QueueItem, next: (item: QueueItem) => QueueItem | undefined) =>
    transact('readwrite', async (store) => {
      const item = await promised<QueueItem | undefined>(store('waiting').get(place))
      if (!item || item.revision > revision) return
      const changed = next(withId(item))
      if (changed) store('waiting').put(changed)
      else store('waiting').delete(place)
    })

  return {
    all,

    find: async (id: string) => (await all()).find((item) => item.id === id),

    /**
     * Takes the first item that is due and neither refused nor stopped, and marks it as sent in the same
     * transaction, so that a deletion knows.
     */
    takeNext: (isDue: (item: QueueItem) => boolean) =>
      transact('readwrite', (store) => {
        const skipped: QueueItem[] = []
        return scan(store('waiting'), (item, cursor): Next | undefined => {
          if (isSendable(item) && isDue(item)) {
            if (item.session && !item.sent) cursor.update({ ...item, sent: true })
            return { item, skipped }
          }
          if (!item.refusal && item.failures) skipped.push(item)
          return undefined
        })
      }),

    /** Whether an item is neither refused nor stopped. */
    hasSendable: async () =>
      Boolean(
        await transact('readonly', (store) => scan(store('waiting'), (item) => isSendable(item) || undefined))
      ),

    /** Replaces what waits for a session; its position stays. `next` returns undefined to remove the item. */
    update: (id: string, next: (item: QueueItem | undefined) => Pending | undefined) =>
      transact('readwrite', async (store) => {
        const items = await promised<QueueItem[]>(store('waiting').getAll())
        const known = items.map(withId).find((item) => item.id === id)
        const pending = next(known)
        if (pending) {
          const place = known && { place: known.place }
          await promised(
            store('waiting').put({ ...place, id, revision: (known?.revision ?? 0) + 1, ...pending })
          )
        } else if (known) await promised(store('waiting').delete(known.place))
      }),

    /** Removes a delivered item, unless it was changed since. */
    remove: (item: QueueItem) => change(item, () => undefined),

    /** Notes the outcome of an attempt, unless the item was changed since. */
    mark: (item: QueueItem, outcome: Partial<QueueItem>) =>
      change(item, (stored) => ({ ...stored, ...outcome })),

    /** Removes the kept answers, which can be loaded again: what waits cannot. */
    makeRoom: () => transact('readwrite', (store) => promised(store('heard').clear())),

    /** Removes everything that waits. */
    clear: () => transact('readwrite', (store) => promised(store('waiting').clear())),

    transact
  }
}

export type QueueStorage = ReturnType<typeof createQueueStorage>

/**
 * Visits the items in order until `visit` returns a value, and resolves with it. Uses a cursor, because `getAll`
 * would read every score.
 */
function scan<T>(
  store: IDBObjectStore,
  visit: (item: QueueItem, cursor: IDBCursorWithValue) => T | undefined
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const request = store.openCursor()
    request.onerror = () => reject(request.error)
    request.onsuccess = () => {
      const cursor = request.result
      const found = cursor && visit(withId(cursor.value as QueueItem), cursor)
      if (cursor && found === undefined) cursor.continue()
      else resolve(found ?? undefined)
    }
  })
}

// Earlier versions queued only saves and had the id in the session alone.
function withId(item: QueueItem): QueueItem {
  return { ...item, id: item.id ?? item.session?.id }
}
