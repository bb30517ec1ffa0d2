import type { Catalog } from './catalog.ts'
import { errors } from './errors.ts'
import type { Bucket } from './change-log.ts'

export type Buckets = ReturnType<typeof createBuckets>

/** The buckets of a catalog. `maxFileSize` is the limit of the project, in bytes. */
export function createBuckets(catalog: Catalog, maxFileSize = Infinity) {
  function assertLimit({ file_size_limit: limit }: Partial<Bucket>) {
    if (limit && limit > maxFileSize) throw errors.entityTooLarge()
  }

  function save(bucket: Bucket) {
    catalog.commit([{ type: 'bucket-saved', bucket }])
  }

  return {
    list: (): Bucket[] => Array.from(catalog.buckets.values(), (entry) => entry.bucket),
    find: (id: string): Bucket => catalog.entry(id).bucket,
    create(bucket: Omit<Bucket, 'owner' | 'created_at' | 'updated_at'>) {
      assertLimit(bucket) // before the name, as on the real server
      if (catalog.buckets.has(bucket.id)) throw errors.bucketAlreadyExists()
      const now = new Date().toISOString()
      save({ ...bucket, owner: '', created_at: now, updated_at: now })
    },
    /** Changes the given members only. */
    update(id: string, changes: Partial<Bucket>) {
      assertLimit(changes)
      save({ ...catalog.entry(id).bucket, ...changes, updated_at: new Date().toISOString() })
    },
    delete(id: string) {
      if (catalog.entry(id).objects.size > 0) throw errors.bucketNotEmpty()
      catalog.commit([{ type: 'bucket-deleted', bucketId: id }])
    },
    /** The largest object that the bucket accepts, in bytes. */
    sizeLimit: (id: string): number =>
      Math.min(catalog.entry(id).bucket.file_size_limit ?? maxFileSize, maxFileSize)
  }
}
