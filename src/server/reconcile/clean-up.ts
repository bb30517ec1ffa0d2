import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../database/client.ts'
import { ApiError } from '../errors.ts'
import { createLeases, type Leases } from '../sessions/leases/leases.ts'
import { deleteExpiredLease, findExpiredLeases } from '../sessions/leases/lease-repository.ts'
import { endExpiredUpload } from '../sessions/recording/end-expired-upload.ts'
import { createOpenUploads } from '../sessions/recording/open-uploads.ts'
import { possibleKeys } from '../storage/recording-keys.ts'
import type { Storage } from '../storage/storage.ts'
import { reconcileObject } from './reconcile-object.ts'
import { cleanUpStaging } from './clean-up-staging.ts'

/** Uploads, and leases, that one round looks at. */
const ITEMS = 100
/** A lease that expired later may belong to a request whose writes still arrive. */
const LEASE_AGE_MS = 15 * 60_000

export type CleanUpOptions = {
  database: Database
  storage: Storage
  log: Pick<FastifyBaseLogger, 'warn'>
  /** Whether to stop before the next item. */
  isOver: () => boolean
  /** Only for tests: the age from which on leases and staged objects are removed, in milliseconds. */
  minAgeMs?: number
  /** Where the round before stopped in the staging bucket. */
  from?: string | undefined
}

/** What a round has removed. `next`: where the next one goes on in the staging bucket. */
export type CleanedUp = {
  uploads: number
  leases: number
  recordings: number
  staged: number
  next: string | undefined
}

/**
 * One round of removing what interrupted requests and abandoned uploads have left: expired direct uploads, expired
 * leases with the objects of their sessions to which no session refers, and objects in the staging bucket
 * that cannot become a recording. Its work is bounded, and the next round goes on.
 *
 * Safe beside other instances and running requests. Recordings and expired uploads are removed under the lease
 * of their session. Other objects in staging are removed without one: no request works on their session, and
 * their upload can no longer be completed.
 * @throws {ApiError} storage_unavailable; database_unavailable
 */
export async function cleanUp(options: CleanUpOptions): Promise<CleanedUp> {
  const { database, log } = options
  const leases = createLeases(database.queries, { leaseMs: 60_000, waitMs: 0, log })
  const uploads = await cleanUpUploads(options, leases)
  const removed = await cleanUpLeases(options, leases)
  return { uploads, ...removed, ...(await cleanUpStaging(options)) }
}

async function cleanUpUploads(
  { database, storage, isOver }: CleanUpOptions,
  leases: Leases
): Promise<number> {
  let ended = 0
  for (const upload of await createOpenUploads(database.queries).findExpired(ITEMS)) {
    if (isOver()) break
    if (await unlessBusy(endExpiredUpload({ database, storage, leases }, upload))) ended++
  }
  return ended
}

async function cleanUpLeases(
  { database, storage, isOver, minAgeMs = LEASE_AGE_MS }: CleanUpOptions,
  leases: Leases
): Promise<Pick<CleanedUp, 'leases' | 'recordings'>> {
  const removed = { leases: 0, recordings: 0 }
  const options = { database, storage, leases, minAgeMs, remove: true, report: () => {} }
  for (const lease of await findExpiredLeases(database.queries, { minAgeMs, limit: ITEMS })) {
    for (const key of possibleKeys(lease.userId, lease.sessionId)) {
      if (isOver()) return removed
      if (await reconcileObject(options, { ...lease, key })) removed.recordings++
    }
    await deleteExpiredLease(database.queries, lease.sessionId, minAgeMs)
    removed.leases++
  }
  return removed
}

/** A session that a request works on is left for a later round. */
const unlessBusy = (work: Promise<boolean>): Promise<boolean> =>
  work.catch((error) => {
    if (error instanceof ApiError && error.code === 'session_busy') return false
    throw error
  })
