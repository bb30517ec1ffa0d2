import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { openByteFiles, type WrittenBytes } from './byte-files.ts'
import type { Catalog } from './catalog.ts'
import { errors } from './errors.ts'
import type { StoredObject } from './journal.ts'

/** An object's address. */
export interface ObjectRef {
  bucketId: string
  name: string
}

/** Address and metadata of an upload. */
export type ObjectDraft = ObjectRef & Pick<StoredObject, 'contentType' | 'cacheControl' | 'userMetadata'>

export type Objects = ReturnType<typeof openObjects>

/**
 * The objects of a catalog, their bytes in `directory`. Bytes are written first, under a name of their own, and one
 * journal record then publishes them together with their metadata; so a reader, or a restart after `kill -9`, finds
 * the old object or the new one, never a mixture. One process at a time may have them open.
 */
export function openObjects(directory: string, catalog: Catalog) {
  const files = openByteFiles(directory)
  recover(catalog, files)

  function get({ bucketId, name }: ObjectRef) {
    return catalog.buckets.get(bucketId)?.objects.get(name)
  }

  // Synchronous: of parallel uploads, the last one to get here wins.
  function publish(draft: ObjectDraft, bytes: WrittenBytes) {
    const former = catalog.entry(draft.bucketId).objects.get(draft.name) // the bucket may be gone by now
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

  /** Stores the stream as the object that `draft` names, in place of what is there; or, failing, changes nothing. */
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
      // Somebody deleted the file by hand; the real server says the same when the bytes are missing in S3.
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? errors.noSuchKey() : error
    }
  }

  return {
    has: (ref: ObjectRef): boolean => get(ref) !== undefined,
    find,
    /** Throws unless an object could be put there: in a bucket that exists and, but for an upsert, where there is none. */
    assertVacant,
    put,
    read,

    /** Stores the same bytes at another address as well. */
    copy(from: ObjectRef, to: ObjectRef, options: { upsert: boolean }): Promise<StoredObject> {
      const source = find(from)
      assertVacant(to, options)
      const { contentType, cacheControl, userMetadata } = source
      return put({ ...to, contentType, cacheControl, userMetadata }, read(source))
    },

    /** The index of a bucket, for listing; undefined when there is no such bucket. */
    indexOf: (bucketId: string) => catalog.buckets.get(bucketId)?.objects,

    /** Gives the object another address. One record does both halves, so that a crash leaves it at one of the two. */
    move(from: ObjectRef, to: ObjectRef) {
      const object = find(from)
      if (from.bucketId === to.bucketId && from.name === to.name) return
      assertVacant(to)
      catalog.commit([
        { type: 'object-moved', from, object: { ...object, ...to, updatedAt: new Date().toISOString() } }
      ])
    },

    /** Removes what exists of `names`, and returns it. */
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

/** Deletes bytes without a record, and drops records whose bytes are gone: by hand, or by a power failure. */
function recover(catalog: Catalog, files: ReturnType<typeof openByteFiles>) {
  const objects = [...catalog.buckets.values()].flatMap((entry) => [...entry.objects.values()])
  const present = files.sweep(new Set(objects.map((object) => object.version)))
  catalog.commit(objects.filter((object) => !present.has(object.version)).map(toRemoval))
}
