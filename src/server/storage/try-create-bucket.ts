import type { StorageClient, StorageError } from '@supabase/storage-js'
import { ConfigurationFault } from '../errors.ts'
import { codeOf, toStorageError, wrongUrl } from './errors.ts'

/** `fileSizeLimit`: of one object, in bytes. */
export type BucketSettings = { public: boolean; fileSizeLimit: number }

/**
 * Asks for a bucket to be created. The storage compares `fileSizeLimit` with that of the project before it
 * looks for a bucket of this name; one that exists stays as it is.
 * @returns false when the project allows only a lower limit; true when the bucket was created or exists
 * @throws {ApiError} storage_unavailable
 */
export async function tryCreateBucket(
  client: StorageClient,
  name: string,
  settings: BucketSettings
): Promise<boolean> {
  const { error } = await client.createBucket(name, settings)
  const code = codeOf(error)
  if (code === '413') return false
  if (error && code !== '409') throw refusal(error)
  return true
}

/** A refusal of a new bucket. The storage has answered before that there is none of this name. */
function refusal(error: StorageError) {
  const code = codeOf(error) ?? ''
  if (code === '404' || code === '405') {
    return toStorageError(wrongUrl(`${code}: ${error.message}`, { cause: error }))
  }
  // The storage hides buckets from all keys but the service key.
  if (code === '403' && /row.level security|policy/i.test(error.message)) {
    return toStorageError(
      new ConfigurationFault(
        'key_not_service',
        'SUPABASE_SERVICE_ROLE_KEY may not create buckets: set it to the service key of this project',
        { cause: error }
      )
    )
  }
  return toStorageError(error)
}
