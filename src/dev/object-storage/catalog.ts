import { errors } from './errors.ts'
import { openJournal, type Bucket, type Change } from './change-log.ts'
import { createObjectIndex, type ObjectIndex } from './object-index.ts'

export interface BucketEntry {
  bucket: Bucket
  objects: ObjectIndex
}

export type Catalog = ReturnType<typeof openCatalog>

/**
 * All metadata, in memory. Every change is first appended to the journal at `path`, which the next start
 * reads.
 */
export function openCatalog(path: string) {
  const journal = openJournal(path)
  const buckets = new Map<string, BucketEntry>()
  let records = 0
  for (const change of journal.read()) {
    apply(change)
    records++
  }
  compact()

  function apply(change: Change) {
    switch (change.type) {
      case 'bucket-saved': {
        const objects = buckets.get(change.bucket.id)?.objects ?? createObjectIndex()
        buckets.set(change.bucket.id, { bucket: change.bucket, objects })
        return
      }
      case 'bucket-emptied':
        return buckets.get(change.bucketId)?.objects.clear()
      case 'bucket-deleted':
        return buckets.delete(change.bucketId)
      case 'object-saved':
        return buckets.get(change.object.bucketId)?.objects.set(change.object)
      case 'object-removed':
        return buckets.get(change.bucketId)?.objects.delete(change.name)
      case 'object-moved': {
        buckets.get(change.from.bucketId)?.objects.delete(change.from.name)
        return buckets.get(change.object.bucketId)?.objects.set(change.object)
      }
    }
  }

  function* snapshot(): Generator<Change> {
    for (const { bucket, objects } of buckets.values()) {
      yield { type: 'bucket-saved', bucket }
      for (const object of objects.values()) yield { type: 'object-saved', object }
    }
  }

  /** Rewrites the journal when more than half of its records are obsolete. */
  function compact() {
    let live = 0
    for (const { objects } of buckets.values()) live += 1 + objects.size
    if (records > 2 * live) journal.replace(snapshot())
  }

  return {
    buckets: buckets as ReadonlyMap<string, BucketEntry>,
    entry(bucketId: string): BucketEntry {
      const entry = buckets.get(bucketId)
      if (!entry) throw errors.noSuchBucket()
      return entry
    },
    commit(changes: Change[]) {
      if (changes.length === 0) return
      journal.append(changes)
      for (const change of changes) apply(change)
    }
  }
}
