import type { FastifyBaseLogger } from 'fastify'
import { retryFor } from '../../contract/retry.ts'
import type { Storage } from './storage.ts'

/**
 * Creates or checks the bucket in the background, until the storage answers. Reads need no storage and do not
 * wait.
 */
export async function prepareBucket(
  storage: Storage,
  log: FastifyBaseLogger,
  signal: AbortSignal
): Promise<void> {
  const attempt = () =>
    storage.ensureBucket().catch((error) => {
      log.error({ err: error }, 'The storage is unavailable; recordings cannot be saved until it answers')
      throw error
    })
  const mismatch = await retryFor(attempt, { firstPauseMs: 1000, maxPauseMs: 30_000, signal })
  if (mismatch) log.error(mismatch)
}
