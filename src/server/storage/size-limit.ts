import type { Bucket, StorageClient } from '@supabase/storage-js'
import { misconfigured } from '../errors.ts'
import { limitTooLow } from './bucket-faults.ts'
import { codeOf, toStorageError } from './errors.ts'
import { tryCreateBucket, type BucketSettings } from './try-create-bucket.ts'

/** Smallest useful size limit of a bucket, in bytes. */
const MIN_LIMIT = 64 * 1024

/**
 * Creates a bucket in a project that refuses `fileSizeLimit`, with the largest limit that the project allows.
 * The storage does not tell that limit, so it is searched by bisection: less than thirty requests, once.
 * @throws {ApiError} storage_unavailable
 */
export async function createWithinLimit(
  client: StorageClient,
  name: string,
  { fileSizeLimit, ...settings }: BucketSettings
): Promise<void> {
  let accepted = MIN_LIMIT - 1
  let refused = fileSizeLimit
  while (refused - accepted > 1) {
    const limit = Math.ceil((accepted + refused) / 2)
    if (await tryCreateBucket(client, name, { ...settings, fileSizeLimit: limit })) accepted = limit
    else refused = limit
  }
  if (accepted < MIN_LIMIT) {
    throw misconfigured('storage_unavailable', limitTooLow(name, undefined, fileSizeLimit))
  }
  const { error } = await client.updateBucket(name, { ...settings, fileSizeLimit: accepted })
  if (error) throw toStorageError(error)
}

/**
 * The largest object that an existing bucket is known to accept, up to `maxBytes`, in bytes. A bucket without
 * a limit has that of the project, which the storage does not tell.
 * @returns undefined when it is lower than `maxBytes` and unknown
 * @throws {ApiError} storage_unavailable
 */
export async function findLimit(
  client: StorageClient,
  { name, public: isPublic, file_size_limit: limit }: Bucket,
  maxBytes: number
): Promise<number | undefined> {
  if (limit) return Math.min(limit, maxBytes)
  return (await tryCreateBucket(client, name, { public: isPublic, fileSizeLimit: maxBytes }))
    ? maxBytes
    : undefined
}

/**
 * Raises the limit of an existing bucket to `maxBytes`, where the project allows that, and changes no other
 * setting.
 * @returns as `findLimit`, afterwards
 * @throws {ApiError} storage_unavailable
 */
export async function raiseLimit(
  client: StorageClient,
  bucket: Bucket,
  maxBytes: number
): Promise<number | undefined> {
  const limit = await findLimit(client, bucket, maxBytes)
  if (limit === undefined || limit === maxBytes) return limit
  const { error } = await client.updateBucket(bucket.name, {
    public: bucket.public,
    fileSizeLimit: maxBytes
  })
  if (codeOf(error) === '413') return limit
  if (error) throw toStorageError(error)
  return maxBytes
}
