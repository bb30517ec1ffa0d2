import type { Config } from '../config.ts'
import type { StorageConnection } from './client.ts'
import { describeMismatch } from './describe-mismatch.ts'
import { codeOf, unavailable } from './errors.ts'
import { findOrCreateBucket } from './find-or-create-bucket.ts'
import { createListing } from './list-bucket.ts'
import { uploadObject, type ObjectUpload } from './upload-object.ts'

/** Number of keys in one call that signs URLs. They fit into a body of 1 MB. */
const SIGN_BATCH_SIZE = 10_000

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
   * Creates the bucket if it is missing.
   * @returns how an existing bucket differs from what the server needs; undefined if it does not
   */
  async function ensureBucket(): Promise<string | undefined> {
    const found = await findOrCreate()
    return found && describeMismatch(found, { isPublic, maxBytes })
  }

  async function exists(key: string): Promise<boolean> {
    const { error } = await objects.info(key)
    if (error && codeOf(error) !== '404') throw unavailable(error)
    return error === null
  }

  return {
    ensureBucket,
    exists,

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
      if (error || !Array.isArray(data)) throw unavailable(error)
      if (data.length > 0) return
      // The server also answers 200 with an empty list for a missing bucket and for a refused key: check.
      for (const key of keys) {
        if (await exists(key)) throw unavailable(new Error('The storage did not remove an object'))
      }
    },

    /**
     * URLs by which anyone can read these objects for `seconds`, whether the bucket is public or not.
     * @returns URLs by key; a missing object has none
     */
    async signUrls(keys: string[], seconds: number): Promise<Map<string, string>> {
      const urls = new Map<string, string>()
      for (let start = 0; start < keys.length; start += SIGN_BATCH_SIZE) {
        const { data, error } = await objects.createSignedUrls(
          keys.slice(start, start + SIGN_BATCH_SIZE),
          seconds
        )
        if (error || !Array.isArray(data)) throw unavailable(error)
        for (const { path, signedUrl } of data) if (path && signedUrl) urls.set(path, signedUrl)
      }
      return urls
    },

    /**
     * Makes the bucket public or private, as configured, and changes no other setting.
     * @returns whether it was public before; undefined when the bucket was created
     */
    async applyAccess(): Promise<boolean | undefined> {
      const found = await findOrCreate()
      if (found && found.public !== isPublic) {
        const { error } = await client.updateBucket(bucket, { public: isPublic })
        if (error) throw unavailable(error)
      }
      return found?.public
    }
  }
}
