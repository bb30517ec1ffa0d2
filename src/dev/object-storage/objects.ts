import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { openByteFiles, type WrittenBytes } from './byte-files.ts'
import type { Catalog } from './catalog.ts'
import { errors } from './errors.ts'
import type { StoredObject } from './change-log.ts'

/** An object's address. */
export interface ObjectRef {
  bucketId: string
  name: string
}

/** Address and metadata of an upload. */
export type ObjectDraft = ObjectRef & Pick<StoredObject, 'contentType' | 'cacheControl' | 'userMetadata'>

type CopyOptions = {
  upsert: boolean
  /** Replaces the metadata of the source, except members that are left out. */
  metadata?: { mimetype?: string; cacheControl?: string } | undefined
}

export type Objects = ReturnType<typeof openObjects>

/**
 * The objects of a catalog, with their bytes in `directory`. An upload first writes its bytes to a new file.
 * Then one journal record publishes the bytes together with their metadata. So a reader, or a restart after
 * `kill -9`, finds either the old object or the new one. Only one process at a time may open the directory.
 */
export function openObjects(directory: string, catalog: Catalog) {
  const files = openByteFiles(directory)
  recover(catalog, files)

  function get({ bucketId, name }: ObjectRef) {
    return catalog.buckets.get(bucketId)?.objects.get(name)
  }

  // Synchronous: the last of several parallel uploads replaces the others.
  function publish(draft: ObjectDraft, bytes: WrittenBytes) {
    const former = catalog.entry(draft.bucketId).objects.get(draft.name) // throws if the bucket was deleted
    const updatedAt = new Date().toISOString()
    const { id, createdAt } = former ?? { id: randomUUID(), createdAt: updatedAt }
    const object: StoredObject = { id, createdAt, updatedAt, ...draft, ...bytes }
    catalog.commit([{ type: 'object-saved', object }])
    return { object, former }
  }

  function find(ref: ObjectRef): StoredObject {
    const object = get(ref)
    if (!object) throw errors.noSuchKey()
    return object
  }

  function assertVacant(ref: ObjectRef, { upsert = false } = {}) {
    if (!catalog.buckets.has(ref.bucketId)) throw errors.noRelatedResource()
    if (!upsert && get(ref)) throw errors.keyAlreadyExists()
  }

  /**
   * Stores the stream as the object of `draft`, and replaces an existing object. A failure changes nothing.
   */
  async function put(draft: ObjectDraft, source: Readable): Promise<StoredObject> {
    const bytes = await files.write(source)
    try {
      const { object, former } = publish(draft, bytes)
      if (former) await files.discard([former.version])
      return object
    } catch (error) {
      await files.discard([bytes.version])
      throw error
    }
  }

  function read(object: StoredObject, range?: { start: number; end: number }): Readable {
    try {
      return files.read(object.version, range)
    } catch (error) {
      // The file was deleted by hand. The real server gives the same error when the bytes are missing in S3.
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? errors.noSuchKey() : error
    }
  }

  return {
    has: (ref: ObjectRef): boolean => get(ref) !== undefined,
    find,
    /** Throws if the bucket does not exist, or if the key has an object already and `upsert` is false. */
    assertVacant,
    put,
    read,

    /** Copies the object to another address, with its metadata or with those of `options`. */
    copy(from: ObjectRef, to: ObjectRef, { upsert, metadata }: CopyOptions): Promise<StoredObject> {
      const source = find(from)
      assertVacant(to, { upsert })
      const { mimetype: contentType = source.contentType, cacheControl = source.cacheControl } =
        metadata ?? {}
      const userMetadata = metadata ? null : source.userMetadata
      return put({ ...to, contentType, cacheControl, userMetadata }, read(source))
    },

    /** The index of a bucket, for listings; undefined if the bucket does not exist. */
    indexOf: (bucketId: string) => catalog.buckets.get(bucketId)?.objects,

    /**
     * Gives the object another address. This is one journal record, so after a crash the object has exactly
     * one address.
     */
    move(from: ObjectRef, to: ObjectRef) {
      const object = find(from)
      if (from.bucketId === to.bucketId && from.name === to.name) return
      assertVacant(to)
      catalog.commit([
        { type: 'object-moved', from, object: { ...object, ...to, updatedAt: new Date().toISOString() } }
      ])
    },

    /** Removes the objects with these names that exist, and returns them. */
    async remove(bucketId: string, names: Iterable<string>): Promise<StoredObject[]> {
      const found = Array.from(new Set(names), (name) => get({ bucketId, name }))
      const removed = found.filter((object) => object !== undefined)
      catalog.commit(removed.map(toRemoval))
      await files.discard(removed.map((object) => object.version))
      return removed
    },

    async empty(bucketId: string) {
      const versions = Array.from(catalog.entry(bucketId).objects.values(), (object) => object.version)
      catalog.commit([{ type: 'bucket-emptied', bucketId }])
      await files.discard(versions)
    }
  }
}

const toRemoval = ({ bucketId, name }: StoredObject) => ({ type: 'object-removed' as const, bucketId, name })

/**
 * Deletes files without a record, and records whose file is missing (deleted by hand, or lost in a power
 * failure).
 */
function recover(catalog: Catalog, files: ReturnType<typeof openByteFiles>) {
  const objects = [...catalog.buckets.values()].flatMap((entry) => [...entry.objects.values()])
  const present = files.deleteUnknown(new Set(objects.map((object) => object.version)))
  catalog.commit(objects.filter((object) => !present.has(object.version)).map(toRemoval))
}
