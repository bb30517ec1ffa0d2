import type { StorageClient } from '@supabase/storage-js'
import { toStorageError } from './errors.ts'

/** The storage signs at most this many keys in one call. */
const BATCH_SIZE = 1000

/** Calls at a time. */
const CONCURRENCY = 4

/**
 * Signs URLs by which anyone can read objects for `seconds`.
 * @returns URLs by key; a missing object has none
 * @throws {ApiError} storage_unavailable
 */
export async function signUrls(
  objects: ReturnType<StorageClient['from']>,
  keys: string[],
  seconds: number
): Promise<Map<string, string>> {
  const urls = new Map<string, string>()
  let next = 0

  async function signBatches(): Promise<void> {
    while (next < keys.length) {
      const batch = keys.slice(next, (next += BATCH_SIZE))
      const { data, error } = await objects.createSignedUrls(batch, seconds)
      if (error || !Array.isArray(data)) throw toStorageError(error)
      for (const { path, signedUrl } of data) if (path && signedUrl) urls.set(path, signedUrl)
    }
  }

  await Promise.all(Array.from({ length: CONCURRENCY }, signBatches))
  return urls
}
