import type { Storage } from '../storage/storage.ts'
import type { Entry } from '../storage/list-bucket.ts'

type Options = {
  /** How many folders deep the keys of this bucket are; folders in the deepest ones are visited like objects. */
  depth: number
  /** @returns whether it removed the object */
  visit: (entry: Entry) => Promise<boolean>
  /** Keys before this one are passed over, and so are folders of nothing else. */
  from?: string
}

/**
 * Visits what a bucket holds, one after the other, each folder by name, with one page of each level in memory. What
 * others add or remove meanwhile shifts the pages: then something may be visited twice, or not at all.
 */
export async function walkBucket(
  storage: Pick<Storage, 'list'>,
  { depth, visit, from = '' }: Options
): Promise<void> {
  await walk('', depth)

  /** @returns whether the folder went with its last object */
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
