import { UUID_PATTERN } from '../../contract/uuid.ts'
import type { Database } from '../database/client.ts'
import type { Storage } from '../storage/storage.ts'
import type { Entry } from '../storage/list-bucket.ts'
import { createLeases } from '../sessions/leases.ts'
import { isRecorded, isReferredTo, recordedSessions, type RecordedSession } from './recorded-sessions.ts'
import { walkBucket } from './walk-bucket.ts'

type Options = {
  database: Database
  storage: Storage
  /** Only objects and saves older than this are looked at: what is younger may be in flight. */
  minAgeMs: number
  /** Remove leftovers; otherwise they are only reported. */
  remove: boolean
  /** For so long an upload to staging may still be completed. Milliseconds; two hours, the life of an upload URL. */
  uploadLifeMs?: number
  /** Users with a smaller id are passed over, except in staging. */
  from?: string | undefined
  /** Stops the work between two objects; it then rejects with the signal's reason. */
  signal?: AbortSignal
  report: (finding: Finding) => void
  /** Told which user is looked at; those with smaller ids are done. */
  onUser?: (userId: string) => void
}

export type Finding =
  | { kind: 'leftover'; key: string; removed: boolean }
  | { kind: 'unfinished'; key: string; removed: boolean }
  | { kind: 'missing'; sessionId: string; key: string }
  | { kind: 'foreign'; key: string }

const RECORDING_KEY = new RegExp(`^(${UUID_PATTERN})/(${UUID_PATTERN})\\.[a-z0-9]+$`)

/**
 * Compares the bucket with the table: reports objects that no session refers to (a save that died half-way), sessions
 * whose object is gone, and objects that are none of ours. Both are read side by side, a page at a time. Then what
 * was uploaded to staging and never completed.
 *
 * Safe beside a running server. What does not match is only a suspect, and looked up by itself: pages are read at
 * different times, and some storage servers sort names in their own way. A leftover is removed only under the lease of
 * its session id, stolen from whoever holds it for longer than `minAgeMs`: that save, if it still lives, can then no
 * longer commit.
 */
export async function reconcileRecordings({
  database,
  storage,
  minAgeMs,
  uploadLifeMs = 7_200_000,
  remove,
  from,
  signal,
  report,
  onUser = () => {}
}: Options): Promise<void> {
  const { queries } = database
  const leases = createLeases(queries, { leaseMs: 60_000, waitMs: 0 })
  const sessions = recordedSessions(queries, from)
  let session = await nextSession()

  await walkBucket(storage, { depth: 1, visit: visitObject, from })
  await passSessions()
  await walkBucket(storage.staging, { depth: 2, visit: visitStaged })
  if (remove) await leases.deleteExpired(minAgeMs)

  async function nextSession(): Promise<RecordedSession | undefined> {
    const { done, value } = await sessions.next()
    return done ? undefined : value
  }

  function enter({ userId }: RecordedSession) {
    signal?.throwIfAborted()
    onUser(userId)
  }

  async function visitObject({ key, modifiedAt }: Entry): Promise<boolean> {
    const object = parseKey(key)
    if (!object) {
      report({ kind: 'foreign', key })
      return false
    }
    await passSessions(object)
    enter(object)
    if (session?.key === key) {
      session = await nextSession()
      return false
    }
    return modifiedAt.getTime() <= Date.now() - minAgeMs && (await inspectUnreferred(object))
  }

  /** Goes past the sessions before this one: no object came for them. */
  async function passSessions(before?: RecordedSession) {
    const isBehind = (session: RecordedSession) => !before || precedes(session, before)
    for (; session && isBehind(session); session = await nextSession()) {
      enter(session)
      await inspectMissing(session)
    }
  }

  async function inspectMissing(session: RecordedSession) {
    const { sessionId, key } = session
    if (!(await storage.exists(key)) && (await isRecorded(queries, session))) {
      report({ kind: 'missing', sessionId, key })
    }
  }

  /** Nothing refers to what is in staging; @returns whether it was removed */
  async function visitStaged({ key, modifiedAt }: Entry): Promise<boolean> {
    signal?.throwIfAborted()
    if (modifiedAt.getTime() > Date.now() - Math.max(minAgeMs, uploadLifeMs)) return false
    if (remove) await storage.staging.remove([key])
    report({ kind: 'unfinished', key, removed: remove })
    return remove
  }

  /** @returns whether it was removed */
  async function inspectUnreferred(object: RecordedSession): Promise<boolean> {
    const { key } = object
    if ((await isReferredTo(queries, object)) || !(await storage.exists(key))) return false
    if (remove && !(await removeLeftover(object))) return false
    report({ kind: 'leftover', key, removed: remove })
    return remove
  }

  /** @returns false when it turned out to be in use after all */
  async function removeLeftover(object: RecordedSession): Promise<boolean> {
    const lease = await leases.steal({ ...object, contentDigest: null }, minAgeMs)
    if (lease === 'in use') return false
    const isInUse = await isReferredTo(queries, object)
    // Should the removal fail it may still happen, so the lease is then left to expire.
    if (!isInUse) await leases.withHeartbeat(lease, () => storage.remove([object.key]))
    await leases.release(lease)
    return !isInUse
  }
}

function parseKey(key: string): RecordedSession | undefined {
  const [, userId, sessionId] = RECORDING_KEY.exec(key) ?? []
  return userId && sessionId ? { userId, sessionId, key } : undefined
}

/** In lower case the order of UUIDs in PostgreSQL is that of their text, which every collation gives them. */
const precedes = (a: RecordedSession, b: RecordedSession) =>
  a.userId < b.userId || (a.userId === b.userId && a.sessionId < b.sessionId)
