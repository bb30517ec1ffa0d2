import type { Bucket, StorageClient } from '@supabase/storage-js'
import { codeOf, unavailable } from './errors.ts'

type Settings = Parameters<StorageClient['createBucket']>[1]

/**
 * Finds a bucket, or creates it with `settings`.
 * @returns the existing bucket; undefined when it was created
 */
export async function findOrCreateBucket(
  client: StorageClient,
  name: string,
  settings: Settings
): Promise<Bucket | undefined> {
  const { data, error } = await client.getBucket(name)
  if (data?.id) return data
  if (error === null || codeOf(error) !== '404') throw unavailable(error)
  const created = await client.createBucket(name, settings)
  if (created.error && codeOf(created.error) !== '409') throw unavailable(created.error)
}
