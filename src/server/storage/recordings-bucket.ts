import type { Config } from '../config.ts'
import type { ConfigurationFault } from '../errors.ts'
import type { ByteRange, StorageConnection } from './client.ts'
import { findBucketFaults, limitTooLow } from './bucket-faults.ts'
import { codeOf, toStorageError } from './errors.ts'
import { findOrCreateBucket } from './find-or-create-bucket.ts'
import { createListing } from './list-bucket.ts'
import { signUrls } from './sign-urls.ts'
import { findLimit } from './size-limit.ts'
import { uploadObject, type ObjectUpload } from './upload-object.ts'

type Options = Pick<Config['storage'], 'bucket' | 'access'> & {
  connection: StorageConnection
  maxBytes: number
}

/**
 * The bucket of verified recordings. Every failure is an ApiError, `storage_unavailable` unless documented
 * otherwise.
 */
export function createRecordingsBucket({ connection, bucket, access, maxBytes }: Options) {
  const { client } = connection
  const objects = client.from(bucket)
  const isPublic = access === 'public'
  const findOrCreate = () => findOrCreateBucket(client, bucket, { public: isPublic, fileSizeLimit: maxBytes })

  /**
   * Creates the bucket if it is missing. An existing one stays as it is.
   * @returns how the bucket differs from what the server needs
   */
  async function ensureBucket(): Promise<ConfigurationFault[]> {
    const { bucket: found } = await findOrCreate()
    const limit = await findLimit(client, found, maxBytes)
    const faults = findBucketFaults(found, { isPublic })
    return limit === maxBytes ? faults : [...faults, limitTooLow(bucket, limit, maxBytes)]
  }

  async function find(key: string): Promise<{ size?: number } | null> {
    const { data, error } = await objects.info(key)
    if (error && codeOf(error) !== '404') throw toStorageError(error)
    return error ? null : data
  }

  const exists = async (key: string): Promise<boolean> => (await find(key)) !== null

  return {
    ensureBucket,
    exists,

    /** The size of an object in bytes; null when it is missing. */
    async sizeOf(key: string): Promise<number | null> {
      const object = await find(key)
      if (object === null) return null
      if (object.size === undefined) {
        throw toStorageError(new Error('The storage reports no size of an object'))
      }
      return object.size
    },

    /** Reads a part of an object. */
    readRange: (range: Omit<ByteRange, 'bucket'>): Promise<Buffer> =>
      connection.readRange({ bucket, ...range }),

    /** Lists a folder; see `createListing`. */
    list: createListing(objects),

    /** The canonical public URL. Computed without a request. */
    publicUrl: (key: string): string => objects.getPublicUrl(key).data.publicUrl,

    /**
     * Stores an object and replaces an earlier one.
     * @throws {ApiError} also recording_too_large, unsupported_recording
     */
    upload: (upload: ObjectUpload): Promise<void> =>
      uploadObject(upload, { connection, bucket, ensureBucket }),

    /** Removes objects; missing ones are no error. Resolves only if none of them exists any more. */
    async remove(keys: string[]): Promise<void> {
      const { data, error } = await objects.remove(keys)
      if (error || !Array.isArray(data)) throw toStorageError(error)
      if (data.length > 0) return
      // The storage also answers 200 with an empty list for a missing bucket and for a refused key: check.
      for (const key of keys) {
        if (await exists(key)) throw toStorageError(new Error('The storage did not remove an object'))
      }
    },

    /**
     * URLs by which anyone can read these objects for `seconds`, whether the bucket is public or not.
     * @returns URLs by key; a missing object has none
     */
    signUrls: (keys: string[], seconds: number): Promise<Map<string, string>> =>
      signUrls(objects, keys, seconds),

    /**
     * Makes the bucket public or private, as configured, and changes no other setting.
     * @returns whether it was public before; undefined when the bucket was created
     */
    async applyAccess(): Promise<boolean | undefined> {
      const { bucket: found, isNew } = await findOrCreate()
      if (isNew) return undefined
      if (found.public !== isPublic) {
        const { error } = await client.updateBucket(bucket, { public: isPublic })
        if (error) throw toStorageError(error)
      }
      return found.public
    }
  }
}
