import { ConfigurationFault, misconfigured } from '../errors.ts'
import { limitTooLow } from './bucket-faults.ts'
import { CACHE_CONTROL, isShortLived } from './cache-control.ts'
import type { StorageConnection } from './client.ts'
import { findOrCreateBucket } from './find-or-create-bucket.ts'
import { codeOf, toStorageError } from './errors.ts'
import { createListing } from './list-bucket.ts'
import { raiseLimit } from './size-limit.ts'

type Options = {
  connection: StorageConnection
  bucket: string
  /** The bucket to which verified recordings are copied. */
  recordingsBucket: string
  maxBytes: number
}

/** Metadata of an object that a client uploaded, as the storage reports it. */
export type StagedObject = { bytes: number; contentType: string }

/**
 * The private bucket to which clients upload recordings directly. Its objects are unverified, and only this
 * server reads them. Every failure is an ApiError `storage_unavailable`.
 */
export function createStagingBucket({ connection, bucket, recordingsBucket, maxBytes }: Options) {
  const { client } = connection
  const objects = client.from(bucket)

  /**
   * Creates the bucket if it is missing. It accepts any type: what arrives is judged by its bytes. Refuses a
   * public bucket, which would publish unverified bytes.
   * @returns how the bucket differs from what the server needs
   */
  async function ensureBucket(): Promise<ConfigurationFault[]> {
    const { bucket: found } = await findOrCreateBucket(client, bucket, {
      public: false,
      fileSizeLimit: maxBytes
    })
    if (found.public) throw misconfigured('storage_unavailable', stagingPublic(bucket))
    if (found.allowed_mime_types?.length) await acceptAnyType()
    const limit = await raiseLimit(client, found, maxBytes)
    return limit === maxBytes ? [] : [limitTooLow(bucket, limit, maxBytes)]
  }

  /** Earlier releases have created the bucket with a list of types. */
  async function acceptAnyType(): Promise<void> {
    const { error } = await client.updateBucket(bucket, { public: false, allowedMimeTypes: null })
    if (error) throw toStorageError(error)
  }

  return {
    bucket,
    ensureBucket,
    list: createListing(objects),

    /** Where `signUpload`'s token is good for resumable uploads. */
    resumableUrl: connection.resumableUrl,

    /**
     * Creates a URL that accepts one PUT of one object; on hosted Supabase within two hours. It accepts
     * another PUT only after the object was removed, or with `upsert`.
     */
    async signUpload(
      key: string,
      { upsert = false } = {}
    ): Promise<{ url: string; token: string; expiresAt: Date }> {
      await ensureBucket()
      const { data, error } = await objects.createSignedUploadUrl(key, { upsert })
      if (error || !data.token) throw toStorageError(error)
      return { url: data.signedUrl, token: data.token, expiresAt: expiryOf(data.token) }
    },

    /** @returns null when the object does not exist */
    async find(key: string): Promise<StagedObject | null> {
      const { data, error } = await objects.info(key)
      if (codeOf(error) === '404') return null
      if (error || data.size === undefined) throw toStorageError(error)
      return { bytes: data.size, contentType: data.contentType ?? '' }
    },

    /** Bytes `start` to before `end` of an object. */
    read: (key: string, start: number, end: number, signal: AbortSignal): Promise<Buffer> =>
      connection.readRange({ bucket, key, start, end, signal }),

    /**
     * Moves an object to a key that its upload URL cannot write.
     * @returns false when the object is missing or the target exists
     */
    async seal(key: string, sealedKey: string): Promise<boolean> {
      const { error } = await objects.move(key, sealedKey)
      if (error && !['404', '409'].includes(codeOf(error) ?? '')) throw toStorageError(error)
      return error === null
    },

    /**
     * Copies a verified object into the recordings bucket. Its headers become those of a recording, whatever
     * the client has sent with the upload.
     * @returns false when the target exists
     */
    async publish(key: string, recordingKey: string, contentType: string): Promise<boolean> {
      const { error } = await connection.copy({
        from: { bucket, key },
        to: { bucket: recordingsBucket, key: recordingKey },
        cacheControl: CACHE_CONTROL,
        contentType
      })
      if (codeOf(error) === '409') return false
      if (error) throw toStorageError(error)
      // Old storage servers ignore the bucket or the headers, and report success.
      const { data, error: missing } = await client.from(recordingsBucket).info(recordingKey)
      if (missing) throw toStorageError(missing)
      if (!isShortLived(data.cacheControl ?? '')) throw misconfigured('storage_unavailable', outdated())
      return true
    },

    async remove(keys: string[]): Promise<void> {
      const { error } = await objects.remove(keys)
      if (error) throw toStorageError(error)
    }
  }
}

const outdated = () =>
  new ConfigurationFault(
    'storage_refused',
    'The storage server keeps the Cache-Control of an upload when it copies it: update the server'
  )

const stagingPublic = (bucket: string) =>
  new ConfigurationFault(
    'staging_public',
    `The bucket ${bucket} is public, which would publish unverified uploads: make it private in Supabase`
  )

/** The expiry of an upload token: a JWT of the storage's own, with `exp` (RFC 7519). */
function expiryOf(token: string): Date {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return new Date(Number(exp) * 1000)
  } catch (cause) {
    throw toStorageError(cause)
  }
}
