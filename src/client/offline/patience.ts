import type { Clock } from '../clock.ts'
import { isTransient } from '../retry.ts'
import type { StorageError } from '../storage-service.ts'

const PATIENCE = 120_000
const LONGEST_PAUSE = 10_000

/** Keeps trying for two minutes more than the service does by itself: long work outlives a server's restart. */
export async function patiently<T>(work: () => Promise<T>, clock: Clock, signal?: AbortSignal): Promise<T> {
  for (let pause = 1_000, waited = 0; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      if (!isTransient(error) || waited >= PATIENCE) throw error
      const asked = ((error as StorageError).retryAfter ?? 0) * 1000
      waited += Math.max(pause, asked)
      await clock.sleep(Math.max(pause, asked), signal)
    }
  }
}
