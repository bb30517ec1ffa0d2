import type { StorageClient } from '@supabase/storage-js'
import { codeOf, unavailable } from './errors.ts'

/** Keys a single list call returns. */
const PAGE_SIZE = 1000

/** An object of a bucket, or a folder of them. `modifiedAt` is the time of its last upload. */
export type Entry = { key: string; isFolder: boolean; modifiedAt: Date }

/**
 * Lists what lies directly in a folder of a bucket, by name; `''` is its root. A bucket that is not there is empty.
 * `countRemoved` tells how much of what was given is gone by the caller's hand: what follows has moved up by so much.
 */
export const createListing = (objects: ReturnType<StorageClient['from']>) =>
  async function* list(folder: string, countRemoved = () => 0): AsyncGenerator<Entry> {
    // Not by the cursors of listV2: older self-hosted storage servers have none.
    for (let given = 0; ; given += PAGE_SIZE) {
      const { data, error } = await objects.list(folder, {
        limit: PAGE_SIZE,
        offset: given - countRemoved(),
        sortBy: { column: 'name', order: 'asc' }
      })
      if (codeOf(error) === '404') return
      if (error || !Array.isArray(data)) throw unavailable(error)
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
