import { Readable } from 'node:stream'
import { StorageClient, type Bucket, type StorageError } from '@supabase/storage-js'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { createStorageFetch } from './storage-fetch.ts'

/** Seconds for which players and CDNs may keep a recording: a deleted one is gone everywhere soon after. */
const CACHE_SECONDS = '60'
const CHUNK_BYTES = 64 * 1024
/** Keys a single list call returns. */
const PAGE_SIZE = 1000

/** Every kind of recording there is. */
const CONTENT_TYPES = ['audio/webm', 'audio/mp4', 'audio/ogg', 'audio/mpeg', 'audio/wav', 'audio/flac']

/** An object of the bucket, or a folder of them. `modifiedAt` is the time of its last upload. */
export type Entry = { key: string, isFolder: boolean, modifiedAt: Date }
export type Upload = { key: string, bytes: Buffer, contentType: string, signal: AbortSignal }

/** The bucket of recordings. Whatever it cannot do is an ApiError, `storage_unavailable` unless said otherwise. */
export type Storage = ReturnType<typeof createStorage>

declare module 'fastify' {
  interface FastifyInstance { storage: Storage }
}

export function createStorage ({ url, serviceKey, bucket, timeoutMs }: Config['storage'], limits: { maxRecordingBytes: number }) {
  const { fetch, close } = createStorageFetch(timeoutMs)
  const clientWith = (how: typeof fetch) => new StorageClient(`${url}/storage/v1`, { apikey: serviceKey, authorization: `Bearer ${serviceKey}` }, how)
  const client = clientWith(fetch)
  const objects = client.from(bucket)

  /** Makes the bucket if it is missing; resolves to what differs from what this server needs, if anything. */
  async function ensureBucket (): Promise<string | undefined> {
    const { data, error } = await client.getBucket(bucket)
    if (data?.id) return describeMismatch(data)
    if (error === null || codeOf(error) !== '404') throw unavailable(error)
    const created = await client.createBucket(bucket, { public: true, fileSizeLimit: limits.maxRecordingBytes })
    if (created.error && codeOf(created.error) !== '409') throw unavailable(created.error)
  }

  function describeMismatch ({ public: isPublic, file_size_limit: limit, allowed_mime_types: types }: Bucket): string | undefined {
    const refused = types?.length ? CONTENT_TYPES.filter((type) => !types.includes(type) && !types.includes('audio/*') && !types.includes('*/*')) : []
    const faults = [
      isPublic ? '' : 'is private: recordings cannot be played from their public URL',
      limit && limit < limits.maxRecordingBytes ? `takes ${limit} bytes at most, which is less than MAX_RECORDING_BYTES` : '',
      refused.length > 0 ? `does not take ${refused.join(', ')}` : ''
    ].filter(Boolean)
    return faults.length > 0 ? `The bucket ${bucket} ${faults.join('; it ')}` : undefined
  }

  async function tryUpload ({ key, bytes, contentType, signal }: Upload) {
    // A stream of slices and not the buffer: only then the time limit sees progress. The content length is exact,
    // which keeps the size limit of the bucket in force.
    const body = Readable.from(slices(bytes), { objectMode: false })
    // storage-js takes no signal for an upload, so this one has a client of its own.
    return clientWith((input, init) => fetch(input, { ...init, signal })).from(bucket).upload(key, body, {
      contentType, upsert: true, cacheControl: CACHE_SECONDS, headers: { 'content-length': String(bytes.length) }
    })
  }

  async function exists (key: string): Promise<boolean> {
    const { error } = await objects.info(key)
    if (error && codeOf(error) !== '404') throw unavailable(error)
    return error === null
  }

  return {
    ensureBucket,
    close,

    /** The canonical public URL; pure string work. */
    publicUrl: (key: string): string => objects.getPublicUrl(key).data.publicUrl,

    /**
     * Stores an object, replacing what was there.
     * @throws {ApiError} recording_too_large or unsupported_recording when the bucket's own limits refuse it
     */
    async upload (upload: Upload): Promise<void> {
      let { data, error } = await tryUpload(upload)
      if (error && codeOf(error) === '404') {
        await ensureBucket()
        ;({ data, error } = await tryUpload(upload))
      }
      if (error && codeOf(error) === '413') throw new ApiError('recording_too_large', 'The recording is larger than the storage takes. Record a shorter one.', { cause: error })
      if (error && codeOf(error) === '415') throw new ApiError('unsupported_recording', 'The storage does not take recordings of this kind.', { cause: error })
      // storage-js makes up `path` itself; the id comes from the server.
      if (error || !data?.id) throw unavailable(error)
    },

    /** Removes objects; keys without an object are fine. Resolves only when none of them is there any more. */
    async remove (keys: string[]): Promise<void> {
      const { data, error } = await objects.remove(keys)
      if (error || !Array.isArray(data)) throw unavailable(error)
      // The real server answers a missing bucket and a refused key with 200 and an empty list, so nothing removed
      // proves nothing: look.
      if (data.length > 0) return
      for (const key of keys) {
        if (await exists(key)) throw unavailable(new Error('The storage kept an object that it was told to remove'))
      }
    },

    exists,

    /**
     * What lies directly in a folder of the bucket, by name; `''` is its root. `countRemoved` tells how much of what it
     * gave is gone by the caller's hand: what follows has moved up by so much.
     */
    async * list (folder: string, countRemoved = () => 0): AsyncGenerator<Entry> {
      // Not by the cursors of listV2: older self-hosted storage servers have none.
      for (let given = 0; ; given += PAGE_SIZE) {
        const { data, error } = await objects.list(folder, { limit: PAGE_SIZE, offset: given - countRemoved(), sortBy: { column: 'name', order: 'asc' } })
        if (error || !Array.isArray(data)) throw unavailable(error)
        for (const { name, id, updated_at: updatedAt } of data) {
          yield { key: folder ? `${folder}/${name}` : name, isFolder: id === null, modifiedAt: new Date(updatedAt ?? NaN) }
        }
        if (data.length < PAGE_SIZE) return
      }
    },

    /** For readiness: rejects, in words for the log, when the bucket cannot serve. */
    async check (): Promise<void> {
      const mismatch = await ensureBucket()
      if (mismatch) throw new ApiError('storage_unavailable', mismatch)
    }
  }
}

// Nearly every error of the real server is HTTP 400; its code is the body's `statusCode`.
const codeOf = (error: StorageError | null) => (error as { statusCode?: string } | null)?.statusCode

const unavailable = (cause: unknown) =>
  new ApiError('storage_unavailable', 'Recordings cannot be saved or deleted now. Repeat the request soon; what is unfinished will be finished.', { cause })

function * slices (bytes: Buffer) {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) yield bytes.subarray(start, start + CHUNK_BYTES)
}

/** Prepares the bucket beside the start, again and again until it is there: reads need no storage and must not wait. */
async function prepare (storage: Storage, log: FastifyBaseLogger, signal: AbortSignal) {
  for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, 30_000)) {
    try {
      const mismatch = await storage.ensureBucket()
      if (mismatch) log.error(mismatch)
      return
    } catch (error) {
      log.error({ err: error }, 'The storage cannot be reached; recordings cannot be saved until it is')
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait)
        signal.addEventListener('abort', () => { clearTimeout(timer); resolve(undefined) }, { once: true })
      })
    }
  }
}

async function storage (app: FastifyInstance, { config }: { config: Pick<Config, 'storage' | 'maxRecordingBytes'> }) {
  const instance = createStorage(config.storage, config)
  const closing = new AbortController()
  app.decorate('storage', instance)
  app.addHook('onReady', async () => { prepare(instance, app.log, closing.signal).catch((error) => app.log.error(error)) })
  app.addHook('onClose', async () => {
    closing.abort()
    await instance.close()
  })
}

export default fp(storage, { name: 'storage' })
