import { openDatabase, promised } from '../database.ts'
import type { Refusal, SessionData } from '../storage-service.ts'

/** A session on its way to the account. */
export type Waiting = {
  /** The order in which sessions were saved, and are delivered. */
  place: number
  session: SessionData
  /** Counts the saves under this id: what was saved again while on its way has not arrived yet. */
  revision: number
  /** It was sent at least once, so it may have arrived although nobody heard of it. */
  sent?: boolean
  refusal?: Refusal
}

/**
 * What waits, in IndexedDB, so that it outlives the page and all tabs see the same; and the history as it was last
 * heard, to show while there is no network.
 */
export function createWaitingRoom(factory: IDBFactory, name: string) {
  const transact = openDatabase(factory, name, {
    waiting: { keyPath: 'place', autoIncrement: true },
    heard: {}
  })

  const all = (): Promise<Waiting[]> =>
    transact('readonly', (store) => promised<Waiting[]>(store('waiting').getAll()))

  /** Reads an item and writes what becomes of it, with nobody in between; undefined removes it. */
  const change = (place: number, next: (item: Waiting) => Waiting | undefined) =>
    transact('readwrite', async (store) => {
      const item = await promised<Waiting | undefined>(store('waiting').get(place))
      if (!item) return
      const changed = next(item)
      if (changed) store('waiting').put(changed)
      else store('waiting').delete(place)
    })

  return {
    all,

    find: async (id: string) => (await all()).find(({ session }) => session.id === id),

    /** The first that can be delivered. By a cursor, since reading all would read every score for every delivery. */
    next: () =>
      transact(
        'readonly',
        (store) =>
          new Promise<Waiting | undefined>((resolve, reject) => {
            const request = store('waiting').openCursor()
            request.onerror = () => reject(request.error)
            request.onsuccess = () => {
              const item: Waiting | undefined = request.result?.value
              if (item?.refusal) request.result?.continue()
              else resolve(item)
            }
          })
      ),

    /** Takes the session in; one that waits under the same id gives its place to it. */
    put: (session: SessionData) =>
      transact('readwrite', async (store) => {
        const items = await promised<Waiting[]>(store('waiting').getAll())
        const known = items.find((item) => item.session.id === session.id)
        const item = known
          ? { place: known.place, sent: known.sent, revision: known.revision + 1, session }
          : { revision: 1, session }
        await promised(store('waiting').put(item))
      }),

    markSent: ({ place }: Waiting) => change(place, (item) => ({ ...item, sent: true })),

    /** Removes what was delivered, but not what was saved under its id since. */
    remove: ({ place, revision }: Waiting) =>
      change(place, (item) => (item.revision > revision ? item : undefined)),

    refuse: ({ place, revision }: Waiting, refusal: Refusal) =>
      change(place, (item) => (item.revision > revision ? item : { ...item, refusal })),

    remember: (history: SessionData[]) =>
      transact('readwrite', (store) => promised(store('heard').put(history, 'history'))),

    remembered: (): Promise<SessionData[] | undefined> =>
      transact('readonly', (store) => promised<SessionData[] | undefined>(store('heard').get('history')))
  }
}

export type WaitingRoom = ReturnType<typeof createWaitingRoom>
