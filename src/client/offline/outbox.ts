import { systemClock, type Clock } from '../clock.ts'
import { isTransient } from '../retry.ts'
import { newestFirst } from '../session-order.ts'
import {
  StorageError,
  type CallOptions,
  type IStorageService,
  type SaveOptions,
  type SessionData
} from '../storage-service.ts'
import { createDelivery } from './delivery.ts'
import { createLock } from './lock.ts'
import { createWaitingRoom, type Waiting } from './waiting-room.ts'

export type OutboxOptions = {
  /** Whose sessions these are (Auth0's `sub`). On a shared computer nobody's practice may reach another's account. */
  account: string
  indexedDB?: IDBFactory
  locks?: LockManager | undefined
  clock?: Clock
  /** Where the browser says `online`: the window. */
  events?: EventTarget
  isOnline?: () => boolean
}

export interface Outbox extends IStorageService {
  /** Tries now to deliver what waits. Resolves when that is done, or cannot be done for now; never rejects. */
  flush(): Promise<void>
  /** Calls back when something arrived or was refused: time to load the history again. Answers the way to stop that. */
  subscribe(listener: () => void): () => void
  /** Ends deliveries in this page, before somebody else signs in. What waits goes on waiting. */
  close(): void
}

/**
 * A storage service that also works without a network, around one that does not (an `ApiStorageService`).
 *
 * - `saveSession` keeps the session and its recording in IndexedDB first. It resolves when the session has arrived or,
 *   with no way to the server, is safely waiting; and rejects when the server refuses it. Either way it is kept until
 *   it has arrived or is deleted: after a closed tab, too, and delivered once with any number of tabs open.
 *   Saving again under its id replaces what was refused. A signal only stops a save that has not been kept yet.
 * - `getSessions` and `getSessionById` show what waits with `pending` set, and why it was refused in `refusal`.
 *   Without a network the history is the one last heard.
 * - `deleteSession` takes back what waits. What was sent and not answered may have arrived, so that needs the network.
 * - `getUserStats` counts what has arrived, and needs the network.
 */
export function createOutbox(service: IStorageService, options: OutboxOptions): Outbox {
  const {
    account,
    indexedDB = globalThis.indexedDB,
    clock = systemClock,
    events = globalThis,
    isOnline = browserIsOnline
  } = options
  const locks = 'locks' in options ? options.locks : globalThis.navigator?.locks
  const name = `harmony-helper-outbox:${account}`
  const room = createWaitingRoom(indexedDB, name)
  const lock = createLock(name, { locks, indexedDB, clock })
  const listeners = new Set<() => void>()
  const delivery = createDelivery({
    service,
    room,
    lock,
    clock,
    isOnline,
    changed: () => listeners.forEach((listener) => listener())
  })

  const flush = () => delivery.flush()
  events.addEventListener('online', flush)
  flush()

  return {
    async saveSession({ pending, refusal: _, ...session }: SessionData, options: SaveOptions = {}) {
      const { signal, onProgress } = options
      signal?.throwIfAborted()
      const kept = await room.put(session).then(
        () => true,
        () => false
      )
      // A full disk, or a browser without IndexedDB: then only the network is left.
      if (!kept) return service.saveSession(session, options)
      if (onProgress) delivery.listen(session.id, onProgress)
      await delivery.flush()
      delivery.unlisten(session.id)
      const refusal = (await room.find(session.id))?.refusal
      if (refusal) throw new StorageError(refusal.status, refusal.code, refusal.detail)
    },

    async getSessions(options?: CallOptions) {
      // Read before the history is: what arrives in between is then in both, and not in neither.
      const waiting = await room.all()
      const history = await hear(options, waiting)
      const there = new Map(history.map((session) => [session.id, session]))
      const shown = waiting.filter(
        ({ session, refusal }) => refusal || !hasArrived(session, there.get(session.id))
      )
      const hidden = new Set(shown.map(({ session }) => session.id))
      return newestFirst([...history.filter(({ id }) => !hidden.has(id)), ...shown.map(toListed)])
    },

    async getSessionById(id: string, options?: CallOptions) {
      const item = await room.find(id)
      return item ? toSession(item) : service.getSessionById(id, options)
    },

    // Under the lock, so that a delivery does not bring back what is being deleted.
    deleteSession: (id: string, options?: CallOptions) =>
      lock(async () => {
        const item = await room.find(id)
        if (!item || (item.sent && !item.refusal)) await service.deleteSession(id, options)
        if (item) await room.remove(item)
      }),

    getUserStats: (options?: CallOptions) => service.getUserStats(options),

    flush,

    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },

    close() {
      events.removeEventListener('online', flush)
      delivery.close()
    }
  }

  /** The account's history; while there is no way to the server, the one last heard, if there is anything to show. */
  async function hear(options: CallOptions | undefined, waiting: Waiting[]): Promise<SessionData[]> {
    try {
      if (!isOnline()) throw new StorageError(0, 'network_error', 'There is no network.')
      const history = await service.getSessions(options)
      await room.remember(history).catch(() => {}) // a full disk must not hide the history
      return history
    } catch (error) {
      if (!isCutOff(error)) throw error
      const remembered = await room.remembered()
      if (!remembered && waiting.length === 0) throw error
      return remembered ?? []
    }
  }
}

// A large recording comes after its session.
function hasArrived({ audio }: SessionData, there: SessionData | undefined): boolean {
  return there !== undefined && (Boolean(there.audioUrl) || !audio?.size)
}

// Without a network there is often no token either.
function isCutOff(error: unknown): boolean {
  return isTransient(error) || (error instanceof StorageError && error.code === 'no_token')
}

function toSession({ session, refusal }: Waiting): SessionData {
  return { ...session, ...(refusal ? { pending: 'refused', refusal } : { pending: 'waiting' }) }
}

function toListed(item: Waiting): SessionData {
  const { xmlContent, analysis, ...listed } = toSession(item)
  return listed
}

function browserIsOnline(): boolean {
  return globalThis.navigator?.onLine !== false
}
