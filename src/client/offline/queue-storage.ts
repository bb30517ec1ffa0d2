import { openDatabase, promised } from '../indexed-db.ts'
import type { Refusal, SessionData } from '../storage-service.ts'

/** A session in the outbox's queue. */
export type QueueItem = {
  /** Position in the queue: the order in which sessions were saved and are delivered. */
  place: number
  session: SessionData
  /**
   * Number of saves under this id. A save during a delivery increases it, so its content is delivered as
   * well.
   */
  revision: number
  /** The session was sent at least once. It may be stored although no response arrived. */
  sent?: boolean
  refusal?: Refusal
}

/**
 * The outbox's queue, and a copy of the last loaded history to show without a network. In IndexedDB, so that
 * it survives a reload and is shared by all tabs. The names `waiting`, `heard` and `place` are those of
 * existing databases.
 */
export function createQueueStorage(factory: IDBFactory, name: string) {
  const transact = openDatabase(factory, name, {
    waiting: { keyPath: 'place', autoIncrement: true },
    heard: {}
  })

  const all = (): Promise<QueueItem[]> =>
    transact('readonly', (store) => promised<QueueItem[]>(store('waiting').getAll()))

  /** Replaces an item in one transaction. `next` returns undefined to remove it. */
  const change = (place: number, next: (item: QueueItem) => QueueItem | undefined) =>
    transact('readwrite', async (store) => {
      const item = await promised<QueueItem | undefined>(store('waiting').get(place))
      if (!item) return
      const changed = next(item)
      if (changed) store('waiting').put(changed)
      else store('waiting').delete(place)
    })

  return {
    all,

    find: async (id: string) => (await all()).find(({ session }) => session.id === id),

    /** The first item that is not refused. Uses a cursor, because `all` would read every score. */
    next: () =>
      transact(
        'readonly',
        (store) =>
          new Promise<QueueItem | undefined>((resolve, reject) => {
            const request = store('waiting').openCursor()
            request.onerror = () => reject(request.error)
            request.onsuccess = () => {
              const item: QueueItem | undefined = request.result?.value
              if (item?.refusal) request.result?.continue()
              else resolve(item)
            }
          })
      ),

    /** Adds the session. An item with the same id is replaced and keeps its position. */
    put: (session: SessionData) =>
      transact('readwrite', async (store) => {
        const items = await promised<QueueItem[]>(store('waiting').getAll())
        const known = items.find((item) => item.session.id === session.id)
        const item = known
          ? { place: known.place, sent: known.sent, revision: known.revision + 1, session }
          : { revision: 1, session }
        await promised(store('waiting').put(item))
      }),

    markSent: ({ place }: QueueItem) => change(place, (item) => ({ ...item, sent: true })),

    /** Removes a delivered item, unless its session was saved again since. */
    remove: ({ place, revision }: QueueItem) =>
      change(place, (item) => (item.revision > revision ? item : undefined)),

    /** Marks an item as refused, unless its session was saved again since. */
    refuse: ({ place, revision }: QueueItem, refusal: Refusal) =>
      change(place, (item) => (item.revision > revision ? item : { ...item, refusal })),

    cacheHistory: (history: SessionData[]) =>
      transact('readwrite', (store) => promised(store('heard').put(history, 'history'))),

    cachedHistory: (): Promise<SessionData[] | undefined> =>
      transact('readonly', (store) => promised<SessionData[] | undefined>(store('heard').get('history')))
  }
}

export type QueueStorage = ReturnType<typeof createQueueStorage>
