import type { Bucket, StorageClient } from '@supabase/storage-js'
import { misconfigured } from '../errors.ts'
import { limitTooLow } from './bucket-faults.ts'
import { codeOf, failureOf } from './errors.ts'

/** The limit of a new bucket may be this much lower than what the project allows, in bytes. */
const PRECISION = 64 * 1024

type Settings = { public: boolean; fileSizeLimit: number }

/**
 * Creates a bucket in a project that refuses `fileSizeLimit`, with the largest limit that the project allows. The storage
 * does not tell that limit, so it is searched by bisection: some fifteen requests, once.
 * @throws {ApiError} storage_unavailable
 */
export async function createWithinLimit(
  client: StorageClient,
  name: string,
  { fileSizeLimit, ...settings }: Settings
): Promise<void> {
  let accepted = 0
  let refused = fileSizeLimit
  while (refused - accepted > PRECISION) {
    const limit = Math.ceil((accepted + refused) / 2)
    if (await isAllowed(client, name, { ...settings, fileSizeLimit: limit })) accepted = limit
    else refused = limit
  }
  if (accepted === 0) throw misconfigured('storage_unavailable', limitTooLow(name, undefined, fileSizeLimit))
  const { error } = await client.updateBucket(name, { ...settings, fileSizeLimit: accepted })
  if (error) throw failureOf(error)
}

/**
 * Whether the project allows buckets with this limit. It asks for the bucket to be created: the server compares the limits
 * before it looks for a bucket of this name, so one that exists stays as it is.
 * @throws {ApiError} storage_unavailable
 */
export async function isAllowed(client: StorageClient, name: string, settings: Settings): Promise<boolean> {
  const { error } = await client.createBucket(name, settings)
  const code = codeOf(error)
  if (code === '413') return false
  if (error && code !== '409') throw failureOf(error)
  return true
}

/**
 * Brings the limit of an existing bucket up to `maxBytes`, and changes no other setting. A bucket without a limit has that
 * of the project.
 * @returns the largest object that the bucket is known to accept, in bytes; undefined when it is lower than `maxBytes` and
 *   unknown
 * @throws {ApiError} storage_unavailable
 */
export async function raiseLimit(
  client: StorageClient,
  bucket: Bucket,
  maxBytes: number
): Promise<number | undefined> {
  const { name, public: isPublic, file_size_limit: limit } = bucket
  if (!limit) {
    const settings = { public: isPublic, fileSizeLimit: maxBytes }
    return (await isAllowed(client, name, settings)) ? maxBytes : undefined
  }
  if (limit >= maxBytes) return maxBytes
  const { error } = await client.updateBucket(name, { public: isPublic, fileSizeLimit: maxBytes })
  if (codeOf(error) === '413') return limit
  if (error) throw failureOf(error)
  return maxBytes
}
