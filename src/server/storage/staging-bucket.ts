import type { Bucket, StorageClient } from '@supabase/storage-js'
import { findOrCreateBucket } from './find-or-create-bucket.ts'
import { codeOf, unavailable } from './errors.ts'
import { createListing } from './list-bucket.ts'

type Options = {
  client: StorageClient
  bucket: string
  /** Where recordings go once they are verified. */
  recordingsBucket: string
  maxBytes: number
  contentTypes: string[]
  /** Bytes `start` to before `end` of an object. */
  read: (bucket: string, key: string, start: number, end: number, signal: AbortSignal) => Promise<Buffer>
}

/** What the storage says of an object that a client sent. */
export type Arrived = { bytes: number; contentType: string; cacheControl: string }

/**
 * The private bucket to which clients send recordings directly. Nothing in it has been verified, and only this server
 * reads it. Whatever it cannot do is an ApiError `storage_unavailable`.
 */
export function createStaging({ client, bucket, recordingsBucket, maxBytes, contentTypes, read }: Options) {
  const objects = client.from(bucket)

  /** Makes the bucket if it is missing. One that is public is not used: unverified bytes would be for all to see. */
  async function ensure(): Promise<void> {
    const found = await findOrCreateBucket(client, bucket, {
      public: false,
      fileSizeLimit: maxBytes,
      allowedMimeTypes: contentTypes
    })
    if (found?.public) throw unavailable(new Error(`The bucket ${bucket} is public; make it private`))
    if (found) await ensureLimit(found)
  }

  /** A bucket made under a lower MAX_RECORDING_BYTES would refuse what was just promised to be taken. */
  async function ensureLimit({ file_size_limit: limit }: Bucket): Promise<void> {
    if (!limit || limit >= maxBytes) return
    const { error } = await client.updateBucket(bucket, { public: false, fileSizeLimit: maxBytes })
    if (error) throw unavailable(error)
  }

  return {
    bucket,
    list: createListing(objects),

    /** A URL to which its holder may PUT one object, within two hours; again only after the object was removed. */
    async signUpload(key: string): Promise<{ url: string; token: string; expiresAt: Date }> {
      await ensure()
      const { data, error } = await objects.createSignedUploadUrl(key)
      if (error || !data.token) throw unavailable(error)
      return { url: data.signedUrl, token: data.token, expiresAt: expiryOf(data.token) }
    },

    /** @returns null when nothing arrived */
    async find(key: string): Promise<Arrived | null> {
      const { data, error } = await objects.info(key)
      if (codeOf(error) === '404') return null
      if (error || data.size === undefined) throw unavailable(error)
      return { bytes: data.size, contentType: data.contentType ?? '', cacheControl: data.cacheControl ?? '' }
    },

    /** Bytes `start` to before `end` of an object. */
    read: (key: string, start: number, end: number, signal: AbortSignal): Promise<Buffer> =>
      read(bucket, key, start, end, signal),

    /** Moves an object out of reach of whoever has its upload URL. @returns false when it is not there, or the place is taken */
    async seal(key: string, sealedKey: string): Promise<boolean> {
      const { error } = await objects.move(key, sealedKey)
      if (error && !['404', '409'].includes(codeOf(error) ?? '')) throw unavailable(error)
      return error === null
    },

    /** Copies a verified object among the recordings. @returns false when the place is taken */
    async publish(key: string, recordingKey: string): Promise<boolean> {
      const { error } = await objects.copy(key, recordingKey, { destinationBucket: recordingsBucket })
      if (codeOf(error) === '409') return false
      if (error) throw unavailable(error)
      // An old storage server knows no other bucket than the source's, and says nothing.
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

/** `exp` of the storage's own token (RFC 7519). */
function expiryOf(token: string): Date {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return new Date(Number(exp) * 1000)
  } catch (cause) {
    throw unavailable(cause)
  }
}
