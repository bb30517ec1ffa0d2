import type { Bucket, StorageClient, StorageError } from '@supabase/storage-js'
import { codeOf, toStorageError, wrongUrl } from './errors.ts'
import { createWithinLimit } from './size-limit.ts'
import { tryCreateBucket, type BucketSettings } from './try-create-bucket.ts'

/**
 * Finds a bucket, or creates it with `settings`. Where the project allows smaller objects than
 * `fileSizeLimit`, the new bucket has the largest limit that the project allows.
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
  if (!(await tryCreateBucket(client, name, settings))) await createWithinLimit(client, name, settings)
  const bucket = await findBucket(client, name)
  if (!bucket) throw toStorageError(new Error('The storage does not find the bucket that it has created'))
  return { bucket, isNew: true }
}

async function findBucket(client: StorageClient, name: string): Promise<Bucket | undefined> {
  const { data, error } = await client.getBucket(name)
  if (data?.id) return data
  if (error === null || isNoJson(error)) throw toStorageError(wrongUrl('it answers without a bucket'))
  if (codeOf(error) !== '404') throw toStorageError(error)
  return undefined
}

/** Whether the answer was a success and could not be read, such as the page of a web site. */
const isNoJson = (error: StorageError & { originalError?: unknown }) =>
  error.originalError instanceof SyntaxError
