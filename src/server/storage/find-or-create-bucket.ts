import type { Bucket, StorageClient, StorageError } from '@supabase/storage-js'
import { ConfigurationFault } from '../errors.ts'
import { codeOf, failureOf, wrongUrl } from './errors.ts'
import { createWithinLimit } from './size-limit.ts'

export type BucketSettings = { public: boolean; fileSizeLimit: number }

/**
 * Finds a bucket, or creates it with `settings`. Where the project allows smaller objects than `fileSizeLimit`, the new
 * bucket has the largest limit that the project allows.
 * @returns the bucket as it is now
 * @throws {ApiError} storage_unavailable
 */
export async function findOrCreateBucket(
  client: StorageClient,
  name: string,
  settings: BucketSettings
): Promise<{ bucket: Bucket; isNew: boolean }> {
  const found = await findBucket(client, name)
  if (found) return { bucket: found, isNew: false }
  const { error } = await client.createBucket(name, settings)
  if (codeOf(error) === '413') await createWithinLimit(client, name, settings)
  else if (error && codeOf(error) !== '409') throw refusedCreation(error)
  const bucket = await findBucket(client, name)
  if (!bucket) throw failureOf(new Error('The storage does not find the bucket that it has created'))
  return { bucket, isNew: true }
}

async function findBucket(client: StorageClient, name: string): Promise<Bucket | undefined> {
  const { data, error } = await client.getBucket(name)
  if (data?.id) return data
  if (error === null || isNoJson(error)) throw failureOf(wrongUrl('it answers without a bucket'))
  if (codeOf(error) !== '404') throw failureOf(error)
  return undefined
}

/** Whether the answer was a success and could not be read, such as the page of a web site. */
const isNoJson = (error: StorageError & { originalError?: unknown }) =>
  error.originalError instanceof SyntaxError

/** A refusal of a new bucket, after the server has answered that there is none. */
function refusedCreation(error: StorageError) {
  const code = codeOf(error) ?? ''
  if (code === '404' || code === '405') {
    return failureOf(wrongUrl(`${code}: ${error.message}`, { cause: error }))
  }
  // The server hides buckets from all keys but the service key.
  if (code === '403' && /row.level security|policy/i.test(error.message)) {
    return failureOf(
      new ConfigurationFault(
        'key_not_service',
        'SUPABASE_SERVICE_ROLE_KEY may not create buckets: set it to the service key of this project',
        { cause: error }
      )
    )
  }
  return failureOf(error)
}
