import type { Database } from '../plugins/database.ts'
import type { Entry, Storage } from '../plugins/storage.ts'
import { keyOf } from '../recordings/kinds.ts'
import { createLeases } from './leases.ts'

type Options = {
  database: Database
  storage: Storage
  /** Only objects and saves older than this are looked at: what is younger may be in flight. */
  minAgeMs: number
  /** Remove leftovers; otherwise they are only reported. */
  remove: boolean
  report: (finding: Finding) => void
}

export type Finding =
  | { kind: 'leftover', key: string, removed: boolean }
  | { kind: 'missing', sessionId: string, key: string }
  | { kind: 'foreign', key: string }

type Recorded = { id: string, key: string }

const RECORDING_KEY = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[a-z0-9]+$/

/**
 * Compares the bucket with the table: reports objects that no session refers to (a save that died half-way), sessions
 * whose object is gone, and objects that are none of ours.
 *
 * Safe beside a running server. A leftover is removed only under the lease of its session id, seized from whoever
 * holds it for longer than `minAgeMs`: that save, if it still lives, can then no longer commit.
 */
export async function reconcileRecordings ({ database, storage, minAgeMs, remove, report }: Options): Promise<void> {
  const { queries } = database
  const leases = createLeases(queries, { leaseMs: 60_000, waitMs: 0 })
  const isOld = ({ modifiedAt }: Entry) => modifiedAt.getTime() <= Date.now() - minAgeMs

  for (const userId of await findUsers()) await reconcileUser(userId)
  if (remove) await leases.sweep(minAgeMs)

  async function findUsers (): Promise<Set<string>> {
    const users = new Set<string>()
    for await (const entry of storage.list('')) {
      if (entry.isFolder) users.add(entry.key)
      else report({ kind: 'foreign', key: entry.key })
    }
    const rows = await queries.$queryRaw<Array<{ userId: string }>>`SELECT DISTINCT user_id AS "userId" FROM sessions WHERE audio_url IS NOT NULL`
    for (const { userId } of rows) users.add(userId)
    return users
  }

  // The bucket is read before the table: a session saved in between has its row by then.
  async function reconcileUser (userId: string) {
    const entries: Entry[] = []
    for await (const entry of storage.list(userId)) entries.push(entry)
    const recorded = await findRecorded(userId)
    const referred = new Set(recorded.map(({ key }) => key))
    for (const entry of entries) if (!referred.has(entry.key)) await inspectUnreferred(entry)
    const present = new Set(entries.map(({ key }) => key))
    for (const session of recorded) if (!present.has(session.key)) await inspectMissing(session)
  }

  async function findRecorded (userId: string): Promise<Recorded[]> {
    if (!RECORDING_KEY.test(`${userId}/${userId}.webm`)) return []
    const rows = await queries.$queryRaw<Array<{ id: string, audioUrl: string }>>`
      SELECT id, audio_url AS "audioUrl" FROM sessions WHERE user_id = ${userId}::uuid AND audio_url IS NOT NULL`
    return rows.map(({ id, audioUrl }) => ({ id, key: keyOf(audioUrl) }))
  }

  async function inspectUnreferred (entry: Entry) {
    const [, userId, sessionId] = RECORDING_KEY.exec(entry.key) ?? []
    if (!userId || !sessionId) return report({ kind: 'foreign', key: entry.key })
    if (!isOld(entry)) return
    const removed = remove && await removeLeftover(entry.key, userId, sessionId)
    if (removed !== undefined) report({ kind: 'leftover', key: entry.key, removed })
  }

  /** @returns undefined when it turned out to be in use after all */
  async function removeLeftover (key: string, userId: string, sessionId: string): Promise<true | undefined> {
    const lease = await leases.seize({ sessionId, userId, contentDigest: null }, minAgeMs)
    if (lease === 'in use') return undefined
    const isRecorded = (await findRecorded(userId)).some((session) => session.key === key)
    // Should the removal fail it may still happen, so the lease is then left to expire.
    if (!isRecorded) await leases.whileRenewing(lease, () => storage.remove([key]))
    await leases.release(lease)
    return isRecorded ? undefined : true
  }

  async function inspectMissing ({ id, key }: Recorded) {
    if (await storage.exists(key)) return
    const row = await queries.session.findUnique({ where: { id }, select: { audioUrl: true } })
    if (row?.audioUrl && keyOf(row.audioUrl) === key) report({ kind: 'missing', sessionId: id, key })
  }
}
