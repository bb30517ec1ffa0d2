import type { FastifyBaseLogger } from 'fastify'
import { retryFor } from '../../contract/retry.ts'
import type { Storage } from './storage.ts'

/**
 * Creates or checks the bucket, and retries until the storage answers. The server starts meanwhile: most
 * requests do not need the storage.
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
