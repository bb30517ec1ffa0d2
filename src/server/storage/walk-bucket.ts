import type { BucketEntry } from './list-bucket.ts'
import type { Storage } from './storage.ts'

type Options = {
  /** The folder to walk; the whole bucket without it. */
  folder?: string
  /** Levels of folders below it. Folders below the deepest level are visited like objects. */
  depth: number
  /** @returns whether it removed the object */
  visit: (entry: BucketEntry) => Promise<boolean>
  /** Keys and folders that sort before this one are skipped. */
  from?: string
}

/**
 * Visits the objects of a bucket one after the other, sorted by name within each folder. It keeps one page of
 * each level in memory. Other programs may add or remove objects meanwhile and so shift the pages: some
 * objects may be visited twice, or not at all.
 */
export async function walkBucket(
  storage: Pick<Storage, 'list'>,
  { folder: root = '', depth, visit, from = '' }: Options
): Promise<void> {
  await walk(root, depth)

  /** @returns whether the folder is gone: a folder disappears with its last object */
  async function walk(folder: string, levels: number): Promise<boolean> {
    let listed = 0
    let removed = 0
    for await (const entry of storage.list(folder, () => removed)) {
      listed++
      if (entry.key < from) continue
      const isGone = entry.isFolder && levels > 0 ? await walk(entry.key, levels - 1) : await visit(entry)
      if (isGone) removed++
    }
    return removed > 0 && removed === listed
  }
}
