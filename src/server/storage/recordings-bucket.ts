import type { Readable } from 'node:stream'
import { StorageClient, type Bucket } from '@supabase/storage-js'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { audioFormats } from '../audio/formats.ts'
import { CACHE_SECONDS } from './recording-keys.ts'
import { findOrCreateBucket } from './find-or-create-bucket.ts'
import { codeOf, unavailable } from './errors.ts'
import { createStorageFetch } from './fetch.ts'
import { createListing } from './list-bucket.ts'
import { createStaging } from './staging-bucket.ts'

/** URLs a single call signs: their keys fit into a body of 1 MB. */
const SIGNED_AT_ONCE = 10_000
const CONTENT_TYPES = audioFormats.map(({ contentType }) => contentType)

/** An object to be. `stream` begins anew each time and gives exactly `bytes` bytes. */
export type Upload = {
  key: string
  bytes: number
  stream: () => Readable
  contentType: string
  signal: AbortSignal
}

/** The bucket of recordings. Whatever it cannot do is an ApiError, `storage_unavailable` unless said otherwise. */
export type Storage = ReturnType<typeof createStorage>

export function createStorage(
  { url, serviceKey, bucket, access, timeoutMs }: Config['storage'],
  limits: { maxRecordingBytes: number }
) {
  const { fetch, close } = createStorageFetch(timeoutMs)
  const headers = { apikey: serviceKey, authorization: `Bearer ${serviceKey}` }
  const clientWith = (how: typeof fetch) => new StorageClient(`${url}/storage/v1`, headers, how)
  const client = clientWith(fetch)
  const objects = client.from(bucket)

  const findBucket = () =>
    findOrCreateBucket(client, bucket, {
      public: access === 'public',
      fileSizeLimit: limits.maxRecordingBytes
    })

  /** Makes the bucket if it is missing; resolves to what differs from what this server needs, if anything. */
  async function ensureBucket(): Promise<string | undefined> {
    const found = await findBucket()
    return found && describeMismatch(found)
  }

  function describeMismatch({
    public: isPublic,
    file_size_limit: limit,
    allowed_mime_types: types
  }: Bucket): string | undefined {
    const refused = types?.length
      ? CONTENT_TYPES.filter(
          (type) => !types.includes(type) && !types.includes('audio/*') && !types.includes('*/*')
        )
      : []
    const faults = [
      isPublic && access === 'private'
        ? 'is public: whoever knows a URL hears the recording. Run npm run recordings:access'
        : '',
      !isPublic && access === 'public'
        ? 'is private: recordings cannot be played from their public URL. Run npm run recordings:access'
        : '',
      limit && limit < limits.maxRecordingBytes
        ? `takes ${limit} bytes at most, which is less than MAX_RECORDING_BYTES`
        : '',
      refused.length > 0 ? `does not take ${refused.join(', ')}` : ''
    ].filter(Boolean)
    return faults.length > 0 ? `The bucket ${bucket} ${faults.join('; it ')}` : undefined
  }

  async function tryUpload({ key, bytes, stream, contentType, signal }: Upload) {
    const body = stream()
    // storage-js takes no signal for an upload, so this one has a client of its own. The content length is exact,
    // which keeps the size limit of the bucket in force.
    return clientWith((input, init) => fetch(input, { ...init, signal }))
      .from(bucket)
      .upload(key, body, {
        contentType,
        upsert: true,
        cacheControl: String(CACHE_SECONDS),
        headers: { 'content-length': String(bytes) }
      })
      .finally(() => body.destroy())
  }

  async function read(
    bucket: string,
    key: string,
    start: number,
    end: number,
    signal: AbortSignal
  ): Promise<Buffer> {
    const response = await fetch(`${url}/storage/v1/object/${bucket}/${key}`, {
      signal,
      headers: { ...headers, range: `bytes=${start}-${end - 1}` }
    }).catch((cause) => {
      throw unavailable(cause)
    })
    if (response.status !== 206) {
      throw unavailable(new Error(`A range was asked for, and the answer was ${response.status}`))
    }
    return Buffer.from(await response.arrayBuffer())
  }

  async function exists(key: string): Promise<boolean> {
    const { error } = await objects.info(key)
    if (error && codeOf(error) !== '404') throw unavailable(error)
    return error === null
  }

  return {
    ensureBucket,
    close,

    /** How long any call may go without progress; the limit, too, of work that takes many calls. */
    timeoutMs,

    /** The canonical public URL; pure string work. */
    publicUrl: (key: string): string => objects.getPublicUrl(key).data.publicUrl,

    /**
     * Stores an object, replacing what was there.
     * @throws {ApiError} recording_too_large or unsupported_recording when the bucket's own limits refuse it
     */
    async upload(upload: Upload): Promise<void> {
      let { data, error } = await tryUpload(upload)
      if (error && codeOf(error) === '404') {
        await ensureBucket()
        ;({ data, error } = await tryUpload(upload))
      }
      if (error && codeOf(error) === '413') {
        throw new ApiError(
          'recording_too_large',
          'The recording is larger than the storage takes. Record a shorter one.',
          { cause: error }
        )
      }
      if (error && codeOf(error) === '415') {
        throw new ApiError('unsupported_recording', 'The storage does not take recordings of this kind.', {
          cause: error
        })
      }
      // storage-js makes up `path` itself; the id comes from the server.
      if (error || !data?.id) throw unavailable(error)
    },

    /** Removes objects; keys without an object are fine. Resolves only when none of them is there any more. */
    async remove(keys: string[]): Promise<void> {
      const { data, error } = await objects.remove(keys)
      if (error || !Array.isArray(data)) throw unavailable(error)
      // The real server answers a missing bucket and a refused key with 200 and an empty list, so nothing removed
      // proves nothing: look.
      if (data.length > 0) return
      for (const key of keys) {
        if (await exists(key)) {
          throw unavailable(new Error('The storage kept an object that it was told to remove'))
        }
      }
    },

    exists,

    /**
     * URLs by which anybody can read these objects, public bucket or not, for `seconds`. An object that is gone has
     * none.
     */
    async signUrls(keys: string[], seconds: number): Promise<Map<string, string>> {
      const urls = new Map<string, string>()
      for (let at = 0; at < keys.length; at += SIGNED_AT_ONCE) {
        const { data, error } = await objects.createSignedUrls(keys.slice(at, at + SIGNED_AT_ONCE), seconds)
        if (error || !Array.isArray(data)) throw unavailable(error)
        for (const { path, signedUrl } of data) if (path && signedUrl) urls.set(path, signedUrl)
      }
      return urls
    },

    staging: createStaging({
      client,
      bucket: `${bucket}-staging`,
      recordingsBucket: bucket,
      maxBytes: limits.maxRecordingBytes,
      contentTypes: CONTENT_TYPES,
      read
    }),

    list: createListing(objects),

    /**
     * Makes the bucket public or private, as the configuration says, and changes nothing else of it.
     * @returns whether it was public before; undefined when the bucket was made
     */
    async applyAccess(): Promise<boolean | undefined> {
      const found = await findBucket()
      if (!found) return undefined
      const isPublic = access === 'public'
      if (found.public !== isPublic) {
        const { error } = await client.updateBucket(bucket, { public: isPublic })
        if (error) throw unavailable(error)
      }
      return found.public
    },

    /** For readiness: rejects, in words for the log, when the bucket cannot serve. */
    async check(): Promise<void> {
      const mismatch = await ensureBucket()
      if (mismatch) throw new ApiError('storage_unavailable', mismatch)
    }
  }
}
