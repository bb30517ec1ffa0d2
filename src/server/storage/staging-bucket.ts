import type { Bucket } from '@supabase/storage-js'
import { audioFormats } from '../audio/formats.ts'
import type { StorageConnection } from './client.ts'
import { findOrCreateBucket } from './find-or-create-bucket.ts'
import { codeOf, unavailable } from './errors.ts'
import { createListing } from './list-bucket.ts'

type Options = {
  connection: StorageConnection
  bucket: string
  /** The bucket to which verified recordings are copied. */
  recordingsBucket: string
  maxBytes: number
}

/** Metadata of an object that a client uploaded, as the storage reports it. */
export type StagedObject = { bytes: number; contentType: string; cacheControl: string }

/**
 * The private bucket to which clients upload recordings directly. Its objects are unverified, and only this
 * server reads them. Every failure is an ApiError `storage_unavailable`.
 */
export function createStagingBucket({ connection, bucket, recordingsBucket, maxBytes }: Options) {
  const { client } = connection
  const objects = client.from(bucket)

  /** Creates the bucket if it is missing. Refuses a public one, which would publish unverified bytes. */
  async function ensureBucket(): Promise<void> {
    const found = await findOrCreateBucket(client, bucket, {
      public: false,
      fileSizeLimit: maxBytes,
      allowedMimeTypes: audioFormats.map(({ contentType }) => contentType)
    })
    if (found?.public) throw unavailable(new Error(`The bucket ${bucket} is public; make it private`))
    if (found) await raiseLimit(found)
  }

  /** Raises the limit of a bucket that was created under a lower MAX_RECORDING_BYTES. */
  async function raiseLimit({ file_size_limit: limit }: Bucket): Promise<void> {
    if (!limit || limit >= maxBytes) return
    const { error } = await client.updateBucket(bucket, { public: false, fileSizeLimit: maxBytes })
    if (error) throw unavailable(error)
  }

  return {
    bucket,
    list: createListing(objects),

    /**
     * Creates a URL that accepts one PUT of one object within two hours. It accepts another PUT only after
     * the object was removed.
     */
    async signUpload(key: string): Promise<{ url: string; token: string; expiresAt: Date }> {
      await ensureBucket()
      const { data, error } = await objects.createSignedUploadUrl(key)
      if (error || !data.token) throw unavailable(error)
      return { url: data.signedUrl, token: data.token, expiresAt: expiryOf(data.token) }
    },

    /** @returns null when the object does not exist */
    async find(key: string): Promise<StagedObject | null> {
      const { data, error } = await objects.info(key)
      if (codeOf(error) === '404') return null
      if (error || data.size === undefined) throw unavailable(error)
      return { bytes: data.size, contentType: data.contentType ?? '', cacheControl: data.cacheControl ?? '' }
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
      if (error && !['404', '409'].includes(codeOf(error) ?? '')) throw unavailable(error)
      return error === null
    },

    /** Copies a verified object into the recordings bucket. @returns false when the target exists */
    async publish(key: string, recordingKey: string): Promise<boolean> {
      const { error } = await objects.copy(key, recordingKey, { destinationBucket: recordingsBucket })
      if (codeOf(error) === '409') return false
      if (error) throw unavailable(error)
      // Old storage servers ignore `destinationBucket` and report success.
      const { error: missing } = await client.from(recordingsBucket).info(recordingKey)
      if (missing) throw unavailable(missing)
      return true
    },

    async remove(keys: string[]): Promise<void> {
      const { error } = await objects.remove(keys)
      if (error) throw unavailable(error)
    }
  }
}

/** The expiry of an upload token: a JWT of the storage's own, with `exp` (RFC 7519). */
function expiryOf(token: string): Date {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return new Date(Number(exp) * 1000)
  } catch (cause) {
    throw unavailable(cause)
  }
}
