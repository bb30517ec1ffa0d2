import { UUID_PATTERN } from '../../contract/uuid.ts'
import type { Entry } from '../storage/list-bucket.ts'
import type { Reconciliation } from './reconciliation.ts'
import { isRecorded, recordedSessions, type RecordedSession } from './recorded-sessions.ts'
import { inspectLeftover } from './inspect-leftover.ts'
import { walkBucket } from './walk-bucket.ts'

const RECORDING_KEY = new RegExp(`^(${UUID_PATTERN})/(${UUID_PATTERN})\\.[a-z0-9]+$`)

/** The sessions with a recording, and the first of them that no object has been compared with. */
type Cursor = { sessions: AsyncGenerator<RecordedSession>; next: RecordedSession | undefined }

/**
 * Merges the bucket of recordings with the table: both are read in order of their keys, one page at a time. A
 * mismatch is only a suspicion, and is looked up again: the pages are read at different times, and some
 * storage servers sort names differently.
 */
export async function compareWithTable(reconciliation: Reconciliation): Promise<void> {
  const { database, storage, from } = reconciliation
  const cursor: Cursor = { sessions: recordedSessions(database.queries, from), next: undefined }
  await advance(cursor)
  await walkBucket(storage, {
    depth: 1,
    visit: (entry) => compareObject(reconciliation, cursor, entry),
    from
  })
  await passSessions(reconciliation, cursor)
}

async function advance(cursor: Cursor): Promise<void> {
  const { done, value } = await cursor.sessions.next()
  cursor.next = done ? undefined : value
}

/** @returns whether the object was removed */
async function compareObject(
  reconciliation: Reconciliation,
  cursor: Cursor,
  { key, modifiedAt }: Entry
): Promise<boolean> {
  const object = parseKey(key)
  if (!object) {
    reconciliation.report({ kind: 'foreign', key })
    return false
  }
  await passSessions(reconciliation, cursor, object)
  enter(reconciliation, object)
  if (cursor.next?.key === key) {
    await advance(cursor)
    return false
  }
  const isOldEnough = modifiedAt.getTime() <= Date.now() - reconciliation.minAgeMs
  return isOldEnough && (await inspectLeftover(reconciliation, object))
}

/** Passes the sessions that precede `object`, or all of them: the bucket has listed no object for them. */
async function passSessions(
  reconciliation: Reconciliation,
  cursor: Cursor,
  object?: RecordedSession
): Promise<void> {
  const isPassed = (session: RecordedSession) => !object || precedes(session, object)
  for (; cursor.next && isPassed(cursor.next); await advance(cursor)) {
    enter(reconciliation, cursor.next)
    await inspectMissing(reconciliation, cursor.next)
  }
}

async function inspectMissing(
  { database, storage, report }: Reconciliation,
  session: RecordedSession
): Promise<void> {
  const { sessionId, key } = session
  if (!(await storage.exists(key)) && (await isRecorded(database.queries, session))) {
    report({ kind: 'missing', sessionId, key })
  }
}

function enter({ signal, onUser }: Reconciliation, { userId }: RecordedSession): void {
  signal?.throwIfAborted()
  onUser(userId)
}

function parseKey(key: string): RecordedSession | undefined {
  const [, userId, sessionId] = RECORDING_KEY.exec(key) ?? []
  return userId && sessionId ? { userId, sessionId, key } : undefined
}

/** PostgreSQL sorts UUIDs as their lower-case text is sorted. */
const precedes = (a: RecordedSession, b: RecordedSession) =>
  a.userId < b.userId || (a.userId === b.userId && a.sessionId < b.sessionId)
