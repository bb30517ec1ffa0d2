import type { StorageClient } from '@supabase/storage-js'
import { codeOf, toStorageError } from './errors.ts'

/** Keys that one list call returns. */
const PAGE_SIZE = 1000

/** An object or a folder in a bucket. `modifiedAt` is the time of its last upload. */
export type BucketEntry = { key: string; isFolder: boolean; modifiedAt: Date }

/**
 * Creates a function that lists the direct entries of a folder, sorted by name; `''` is the root. A missing
 * bucket is empty. `countRemoved` returns how many of the listed entries the caller has removed meanwhile:
 * the next page begins so many entries earlier.
 */
export const createListing = (objects: ReturnType<StorageClient['from']>) =>
  async function* list(folder: string, countRemoved = () => 0): AsyncGenerator<BucketEntry> {
    // By offset: older self-hosted storage servers have no cursors (listV2).
    for (let listed = 0; ; listed += PAGE_SIZE) {
      const { data, error } = await objects.list(folder, {
        limit: PAGE_SIZE,
        offset: listed - countRemoved(),
        sortBy: { column: 'name', order: 'asc' }
      })
      if (codeOf(error) === '404') return
      if (error || !Array.isArray(data)) throw toStorageError(error)
      for (const { name, id, updated_at: updatedAt } of data) {
        yield {
          key: folder ? `${folder}/${name}` : name,
          isFolder: id === null,
          modifiedAt: new Date(updatedAt ?? NaN)
        }
      }
      if (data.length < PAGE_SIZE) return
    }
  }
