import { isTransientStatus } from '../request-retry.ts'
import { applyChanges, listed, mergeChanges } from '../session-changes.ts'
import { sessionNotFound } from '../session-errors.ts'
import type { Failure, Refusal, SessionChanges, SessionData, StartedUpload } from '../storage-service.ts'

/** What waits for one session. Delivered in this order: deletion, save, changes. */
export type Pending = {
  remove?: boolean
  session?: SessionData
  changes?: SessionChanges
  /** The save was attempted at least once. It may be stored although no response arrived. */
  sent?: boolean
  /** The upload of the recording that has begun. */
  upload?: StartedUpload
  /** The user stopped it: it is not sent until it is started again. */
  stopped?: boolean
}

/** A session in the outbox's queue. */
export type QueueItem = Pending & {
  /** Position in the queue: the order in which sessions were queued and are delivered. */
  place: number
  id: string
  /** Grows with each save, change or deletion, so that what came during a delivery is delivered as well. */
  revision: number
  /** The server rejected it permanently. */
  refusal?: Refusal
  /** Attempts that failed in a row, the reason of the last, and the time before which there is no other. */
  failures?: number
  failure?: Failure
  retryAt?: number
  /** Delayed, because sessions that were queued later have been delivered. The name is that of existing databases. */
  overtaken?: boolean
}

/** What waits after a save. */
export function addSave(item: QueueItem | undefined, session: SessionData): Pending {
  return { ...pick(item, 'remove', 'sent'), session }
}

/**
 * What waits after a change. A save that was never sent takes the change in.
 *
 * @throws StorageError `session_not_found` when the session is being deleted
 */
export function addChanges(item: QueueItem | undefined, changes: SessionChanges): Pending {
  if (item?.session && !mayBeStored(item)) {
    return { ...pick(item, 'remove', 'sent'), session: applyChanges(item.session, changes) }
  }
  if (item?.remove && !item.session) {
    throw sessionNotFound()
  }
  return {
    ...pick(item, 'remove', 'session', 'sent', 'upload'),
    changes: mergeChanges(item?.changes ?? {}, changes)
  }
}

/** What waits after a deletion: nothing when the session was only here. */
export function addDeletion(item: QueueItem | undefined): Pending | undefined {
  const wasOnlyHere = item?.session && !item.remove && !mayBeStored(item)
  return wasOnlyHere ? undefined : { remove: true }
}

/** The same work, not to be sent for now. */
export function markStopped(item: QueueItem | undefined): Pending | undefined {
  return item && { ...startAgain(item), stopped: true }
}

/** What waits after a refused change or deletion is given up: the save, if it is not delivered. */
export function dropRefused(item: QueueItem | undefined): Pending | undefined {
  return item?.session && pick(item, 'remove', 'session', 'sent', 'upload')
}

/** The same work, as if it had not failed. */
export function startAgain(item: QueueItem | undefined): Pending | undefined {
  return item && pick(item, 'remove', 'session', 'changes', 'sent', 'upload')
}

/** Whether it is to be sent: neither refused nor stopped. */
export function isSendable({ refusal, stopped }: QueueItem): boolean {
  return !refusal && !stopped
}

/**
 * Whether the item is at fault, and so delayed: others were delivered, or the server answered three times in a way
 * that does not mean that it is unavailable.
 */
export function isDelayed({ overtaken, failures = 0, failure }: QueueItem): boolean {
  return overtaken || (failures >= 3 && failure !== undefined && !isTransientStatus(failure.status))
}

/** Whether the session is to be deleted, and not saved again afterwards. It is not shown then. */
export function isBeingDeleted({ remove, session, refusal }: QueueItem): boolean {
  return Boolean(remove && !session && !refusal)
}

/** The queued session, with what waits applied to it. */
export function withPendingChanges(item: QueueItem, session: SessionData): SessionData {
  return { ...applyChanges(session, item.changes ?? {}), ...stateOf(item) }
}

/**
 * The history with what waits: sessions that are not in the account yet, changes applied, and without the
 * sessions that wait to be deleted.
 */
export function withQueue(history: SessionData[], items: QueueItem[]): SessionData[] {
  const shown = new Map(history.map((session) => [session.id, session]))
  for (const item of items) {
    const stored = shown.get(item.id)
    const session = item.session ?? stored
    if (isBeingDeleted(item)) shown.delete(item.id)
    else if (session && !isDelivered(item, stored)) {
      shown.set(item.id, { ...listed(session, item.changes ?? {}), ...stateOf(item) })
    }
  }
  return [...shown.values()]
}

// A large recording is uploaded after its session.
function isDelivered({ session, remove, changes, refusal }: QueueItem, stored?: SessionData): boolean {
  if (!session || !stored || remove || changes || refusal) return false
  return Boolean(stored.audioUrl || !session.audio?.size)
}

function stateOf(item: QueueItem): Pick<SessionData, 'pending' | 'refusal'> {
  const { refusal, failure } = item
  if (refusal) return { pending: 'refused', refusal }
  if (item.stopped) return { pending: 'stopped' }
  return failure && isDelayed(item) ? { pending: 'delayed', refusal: failure } : { pending: 'waiting' }
}

/** Whether the account may have the session. A refused one is not there. */
function mayBeStored({ sent, refusal }: QueueItem): boolean {
  return Boolean(sent && !refusal)
}

function pick<Key extends keyof Pending>(item: QueueItem | undefined, ...keys: Key[]): Pick<Pending, Key> {
  const kept = keys.filter((key) => item?.[key] !== undefined).map((key) => [key, item?.[key]])
  return Object.fromEntries(kept) as Pick<Pending, Key>
}
