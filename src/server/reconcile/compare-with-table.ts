import { UUID_PATTERN } from '../../contract/uuid.ts'
import type { BucketEntry } from '../storage/list-bucket.ts'
import type { Reconciliation } from './reconciliation.ts'
import { isRecorded, recordedSessions, type RecordedSession } from './recorded-sessions.ts'
import { reconcileObject } from './reconcile-object.ts'
import { walkBucket } from '../storage/walk-bucket.ts'

const RECORDING_KEY = new RegExp(`^(${UUID_PATTERN})/(${UUID_PATTERN})\\.[a-z0-9]+$`)

/** The sessions that no object was compared with yet, in order; `next` is the first of them. */
type PendingSessions = { sessions: AsyncGenerator<RecordedSession>; next: RecordedSession | undefined }

/**
 * Compares the bucket of recordings with the table. Both are read in the order of their keys, one page at a
 * time, and merged. Each mismatch is looked up again, because the pages are read at different times, and some
 * storage servers sort names differently.
 */
export async function compareWithTable(reconciliation: Reconciliation): Promise<void> {
  const { database, storage, from } = reconciliation
  const pending: PendingSessions = { sessions: recordedSessions(database.queries, from), next: undefined }
  await advance(pending)
  await walkBucket(storage, {
    depth: 1,
    visit: (entry) => compareObject(reconciliation, pending, entry),
    from
  })
  await inspectUnmatched(reconciliation, pending)
}

async function advance(pending: PendingSessions): Promise<void> {
  const { done, value } = await pending.sessions.next()
  pending.next = done ? undefined : value
}

/** @returns whether the object was removed */
async function compareObject(
  reconciliation: Reconciliation,
  pending: PendingSessions,
  { key, modifiedAt }: BucketEntry
): Promise<boolean> {
  const object = parseKey(key)
  if (!object) {
    reconciliation.report({ kind: 'foreign', key })
    return false
  }
  await inspectUnmatched(reconciliation, pending, object)
  checkpoint(reconciliation, object)
  if (pending.next?.key === key) {
    await advance(pending)
    return false
  }
  const isOldEnough = modifiedAt.getTime() <= Date.now() - reconciliation.minAgeMs
  return isOldEnough && (await reconcileObject(reconciliation, object))
}

/**
 * Inspects the pending sessions that sort before `before`, or all of them: the bucket has listed no object
 * for them.
 */
async function inspectUnmatched(
  reconciliation: Reconciliation,
  pending: PendingSessions,
  before?: RecordedSession
): Promise<void> {
  const isBefore = (session: RecordedSession) => !before || precedes(session, before)
  for (; pending.next && isBefore(pending.next); await advance(pending)) {
    checkpoint(reconciliation, pending.next)
    await inspectMissing(reconciliation, pending.next)
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

/** Stops the run if it was aborted, and reports the user who is inspected next. */
function checkpoint({ signal, onUser }: Reconciliation, { userId }: RecordedSession): void {
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
