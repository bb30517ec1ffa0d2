import type { Catalog } from './catalog.ts'
import { errors } from './errors.ts'
import type { Bucket } from './journal.ts'

export type Buckets = ReturnType<typeof createBuckets>

/** The buckets of a catalog. */
export function createBuckets(catalog: Catalog) {
  return {
    list: (): Bucket[] => Array.from(catalog.buckets.values(), (entry) => entry.bucket),
    find: (id: string): Bucket => catalog.entry(id).bucket,
    create(bucket: Omit<Bucket, 'owner' | 'created_at' | 'updated_at'>) {
      if (catalog.buckets.has(bucket.id)) throw errors.bucketAlreadyExists()
      const now = new Date().toISOString()
      catalog.commit([
        { type: 'bucket-saved', bucket: { ...bucket, owner: '', created_at: now, updated_at: now } }
      ])
    },
    /** Changes the given members only. */
    update(id: string, changes: Partial<Bucket>) {
      const bucket = { ...catalog.entry(id).bucket, ...changes, updated_at: new Date().toISOString() }
      catalog.commit([{ type: 'bucket-saved', bucket }])
    },
    delete(id: string) {
      if (catalog.entry(id).objects.size > 0) throw errors.bucketNotEmpty()
      catalog.commit([{ type: 'bucket-deleted', bucketId: id }])
    }
  }
}
